import type { INestApplicationContext } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, ModulesContainer } from '@nestjs/core';
import { accessOf, type RouteAccess } from './access.js';

/** Metadata that `@Get()` and its kin write onto a handler (`PATH_METADATA` of Nest). */
const PATH_METADATA = 'path';

type Controller = abstract new (...args: never[]) => object;

/** One HTTP handler and what it declares; `access` is `null` when it declares nothing. */
export interface DeclaredRoute {
  controller: string;
  method: string;
  /** Paths of the controller and the handler, without slashes at either end; parameters as `:name`. */
  path: string;
  access: RouteAccess | null;
}

/** Every HTTP handler of these controllers, inherited ones included. */
export function declaredRoutes(controllers: readonly Controller[]): DeclaredRoute[] {
  const scanner = new MetadataScanner();
  return controllers.flatMap((controller) => {
    const prototype = controller.prototype as Record<string, object>;
    return scanner.getAllMethodNames(prototype).flatMap((method) => {
      const handler = prototype[method];
      if (handler === undefined || !Reflect.hasMetadata(PATH_METADATA, handler)) return [];
      const path = pathOf(controller, handler);
      return [{ controller: controller.name, method, path, access: accessOf(handler, controller) }];
    });
  });
}

/**
 * Refuses to boot an application that has a route without `@Public()`, `@ApiKeyAccess()` or `@AdminAccess(role)`.
 * Call it after the modules are loaded and before listening.
 * @throws Error naming every undeclared route.
 */
export function assertEveryRouteDeclaresAccess(app: INestApplicationContext): void {
  const discovery = new DiscoveryService(app.get(ModulesContainer));
  const controllers = discovery.getControllers().map((wrapper) => wrapper.metatype as Controller);
  const undeclared = declaredRoutes(controllers).filter((route) => route.access === null);
  if (undeclared.length === 0) return;
  const names = undeclared.map((route) => `${route.controller}.${route.method}`).join(', ');
  throw new Error(`routes without declared access (add @Public, @ApiKeyAccess or @AdminAccess): ${names}`);
}

function pathOf(controller: Controller, handler: object): string {
  const paths = [controller, handler].map(
    (target) => Reflect.getMetadata(PATH_METADATA, target) as string | string[] | undefined,
  );
  return paths
    .flatMap((path) => [path ?? ''].flat().join('|').split('/'))
    .filter((segment) => segment !== '')
    .join('/');
}
