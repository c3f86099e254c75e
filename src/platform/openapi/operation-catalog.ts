import { Injectable, RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/internal';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { accessOf, type RouteAccess } from '../access/index.js';
import { operationOf, type OperationSpec } from './operation.js';

type Controller = abstract new (...args: never[]) => object;

/** One route as Nest registers it. */
export interface CatalogRoute {
  /** Upper case; `ALL` for every method. */
  method: string;
  /** With `:name` for parameters and without a slash at the end, e.g. `/admin/v1/accounts/:id`. */
  path: string;
  controller: string;
  handler: string;
  access: RouteAccess | null;
  operation: OperationSpec | null;
}

/** Every HTTP route of the running application, read from the controllers that Nest has loaded. */
@Injectable()
export class OperationCatalog {
  private routes: readonly CatalogRoute[] | null = null;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  /** Every route, in the order of registration. */
  all(): readonly CatalogRoute[] {
    this.routes ??= this.discovery.getControllers().flatMap((wrapper) => this.routesOf(wrapper.metatype as Controller));
    return this.routes;
  }

  private routesOf(controller: Controller): CatalogRoute[] {
    const prefixes = pathsOf(controller);
    const prototype = controller.prototype as Record<string, object>;
    return this.scanner.getAllMethodNames(prototype).flatMap((name) => {
      const handler = prototype[name];
      if (handler === undefined || !Reflect.hasMetadata(PATH_METADATA, handler)) return [];
      const common = {
        method: RequestMethod[Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod],
        controller: controller.name,
        handler: name,
        access: accessOf(handler, controller),
        operation: operationOf(handler),
      };
      return prefixes.flatMap((prefix) => pathsOf(handler).map((path) => ({ ...common, path: join(prefix, path) })));
    });
  }
}

function pathsOf(target: object): string[] {
  const path = Reflect.getMetadata(PATH_METADATA, target) as string | string[];
  return Array.isArray(path) ? path : [path];
}

function join(...parts: readonly string[]): string {
  return `/${parts.join('/')}`.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
}
