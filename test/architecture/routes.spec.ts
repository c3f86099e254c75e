import { Controller, Get, Module, type DynamicModule, type Type } from '@nestjs/common';
import { AppModule } from '../../src/app.module.js';
import { STAGES } from '../../src/billing/index.js';
import { ApiKeyGuard } from '../../src/gateway/catalog/api-key.guard.js';
import { ChatController } from '../../src/gateway/openai/chat.controller.js';
import { PIPELINE_GUARDS, PIPELINE_INTERCEPTORS } from '../../src/gateway/pipeline/pipeline.js';
import { PolicyGuard } from '../../src/gateway/pipeline/policy.guard.js';
import { AdminAccess, declaredRoutes, Public, type DeclaredRoute } from '../../src/platform/access/index.js';
import { readConfig } from '../../src/platform/config/index.js';

/** Everything that anybody may call without a credential. A new entry is a decision, not an accident. */
const PUBLIC_PATHS = new Set([
  '.well-known/jwks.json',
  'api/v1/models',
  'docs',
  'docs/assets/:name',
  'docs/openapi.json',
  'health',
  'health/live',
  'health/ready',
  'metrics',
]);

type Imported = Type | DynamicModule | Promise<DynamicModule> | { forwardRef: () => Type };

/** Controllers of a module and of all that it imports, without building any of them. */
async function controllersOf(imported: Imported, seen = new Set<unknown>()): Promise<Type[]> {
  const resolved = await imported;
  const dynamic = 'module' in resolved ? resolved : null;
  const module = 'forwardRef' in resolved ? resolved.forwardRef() : (dynamic?.module ?? (resolved as Type));
  const listOf = <T>(name: 'controllers' | 'imports'): T[] => [
    ...((Reflect.getMetadata(name, module) as T[] | undefined) ?? []),
    ...((dynamic?.[name] ?? []) as T[]),
  ];
  if (seen.has(resolved)) return [];
  seen.add(resolved);
  const own = listOf<Type>('controllers');
  const nested = await Promise.all(listOf<Imported>('imports').map((one) => controllersOf(one, seen)));
  return [...new Set([...own, ...nested.flat()])];
}

/** What is wrong with the declared access of a route; `null` when nothing is. */
function faultOf({ controller, method, path, access }: DeclaredRoute): string | null {
  const route = `${controller}.${method} (${path})`;
  if (access === null) return `${route} declares nothing`;
  if (path.startsWith('admin/v1') && access.kind !== 'admin') return `${route} is an admin route without a role`;
  if (path.startsWith('openai/v1') && access.kind !== 'api_key') return `${route} takes no API key`;
  if (access.kind === 'public' && !PUBLIC_PATHS.has(path)) return `${route} is public`;
  return null;
}

async function faultsOf(module: Imported): Promise<string[]> {
  return declaredRoutes(await controllersOf(module))
    .map(faultOf)
    .filter((fault) => fault !== null);
}

@Controller('admin/v1/planted')
class PlantedAdminController {
  @Get('forgotten')
  forgotten(): void {}

  @Public()
  @Get('open')
  open(): void {}

  @AdminAccess('viewer')
  @Get('good')
  good(): void {}
}

@Controller('elsewhere')
@Public()
class PlantedPublicController {
  @Get()
  open(): void {}
}

@Module({ controllers: [PlantedPublicController] })
class PlantedInnerModule {}

@Module({ imports: [PlantedInnerModule], controllers: [PlantedAdminController] })
class PlantedModule {}

describe('routes', () => {
  const config = readConfig({});

  it('declare who may call them, as their door demands', async () => {
    const routes = declaredRoutes(await controllersOf(AppModule.forRoot(config, 'gateway')));
    expect(routes.length).toBeGreaterThan(30);
    expect(await faultsOf(AppModule.forRoot(config, 'gateway'))).toEqual([]);
    const open = routes.filter(({ access }) => access?.kind === 'public').map(({ path }) => path);
    expect(new Set(open)).toEqual(PUBLIC_PATHS);
  });

  it('of a key are behind the guard that knows its addresses, or behind the whole pipeline', async () => {
    const guardsOf = (target: object): unknown[] =>
      (Reflect.getMetadata('__guards__', target) as unknown[] | undefined) ?? [];
    const unguarded = (await controllersOf(AppModule.forRoot(config, 'gateway'))).flatMap((controller) =>
      declaredRoutes([controller])
        .filter(({ access }) => access?.kind === 'api_key')
        .filter(({ method }) => {
          const handler = (controller.prototype as Record<string, object>)[method] ?? controller;
          const guards = [...guardsOf(controller), ...guardsOf(handler)];
          return !guards.includes(ApiKeyGuard) && !guards.includes(PolicyGuard);
        })
        .map(({ path }) => path),
    );
    expect(unguarded).toEqual([]);
  });

  it('are checked by a test that finds planted violations', async () => {
    expect(await faultsOf(PlantedModule)).toEqual([
      'PlantedAdminController.forgotten (admin/v1/planted/forgotten) declares nothing',
      'PlantedAdminController.open (admin/v1/planted/open) is an admin route without a role',
      'PlantedPublicController.open (elsewhere) is public',
    ]);
  });

  it('do not exist in a worker', async () => {
    expect(await controllersOf(AppModule.forRoot(config, 'worker'))).toEqual([]);
  });
});

describe('the pipeline', () => {
  it('has the nine stages of the contract, in order', () => {
    const stages = 'receive authenticate read_body policy route freeze provider capture settle';
    expect(STAGES.join(' ')).toBe(stages);
  });

  it('runs 2 to 6 as guards and 8 as the interceptor around the call', () => {
    expect(PIPELINE_GUARDS.map(({ name }) => name)).toEqual([
      'AuthenticateGuard',
      'ReadBodyGuard',
      'PolicyGuard',
      'RouteGuard',
      'FreezeGuard',
    ]);
    expect(PIPELINE_INTERCEPTORS.map(({ name }) => name)).toEqual(['CaptureInterceptor']);
  });

  it('stands before the model call, whole and in this order', () => {
    const handler = ChatController.prototype.create;
    expect(Reflect.getMetadata('__guards__', handler)).toEqual(PIPELINE_GUARDS);
    expect(Reflect.getMetadata('__interceptors__', handler)).toEqual(PIPELINE_INTERCEPTORS);
  });
});
