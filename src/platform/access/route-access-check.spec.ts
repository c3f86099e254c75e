import { Controller, Get, Module, Post, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { accessOf, AdminAccess, ApiKeyAccess, Public, roleSuffices } from './access.js';
import { assertEveryRouteDeclaresAccess, declaredRoutes } from './route-access-check.js';

@Controller('declared')
@ApiKeyAccess()
class DeclaredController {
  @Get()
  fromClass(): string {
    return this.notARoute();
  }

  @Get('open')
  @Public()
  fromMethod(): string {
    return 'open';
  }

  notARoute(): string {
    return 'helper';
  }
}

class InheritedRoutes {
  @Post('inherited')
  inherited(): string {
    return 'inherited';
  }
}

@Controller('forgotten')
class ForgottenController extends InheritedRoutes {
  @Get()
  @AdminAccess('operator')
  declared(): string {
    return 'declared';
  }
}

@Module({ controllers: [DeclaredController] })
class DeclaredModule {}

@Module({ controllers: [DeclaredController, ForgottenController] })
class ForgottenModule {}

async function boot(module: Type): Promise<void> {
  const app = await NestFactory.create(module, new FastifyAdapter(), { logger: false });
  try {
    assertEveryRouteDeclaresAccess(app);
  } finally {
    await app.close();
  }
}

describe('route access', () => {
  it('takes the declaration of the method before that of the controller', () => {
    const routes = declaredRoutes([DeclaredController]);
    expect(routes).toEqual([
      { controller: 'DeclaredController', method: 'fromClass', path: 'declared', access: { kind: 'api_key' } },
      { controller: 'DeclaredController', method: 'fromMethod', path: 'declared/open', access: { kind: 'public' } },
    ]);
  });

  it('answers null for what declares nothing', () => {
    expect(accessOf(InheritedRoutes.prototype.inherited, InheritedRoutes)).toBeNull();
  });

  it('lets a stronger role do what a weaker one may, and not the reverse', () => {
    expect(roleSuffices('owner', 'viewer')).toBe(true);
    expect(roleSuffices('operator', 'operator')).toBe(true);
    expect(roleSuffices('viewer', 'operator')).toBe(false);
  });

  it('boots when every route declares who may call it', async () => {
    await expect(boot(DeclaredModule)).resolves.toBeUndefined();
  });

  it('refuses to boot with an undeclared route, also an inherited one, and names it', async () => {
    await expect(boot(ForgottenModule)).rejects.toThrow('ForgottenController.inherited');
  });
});
