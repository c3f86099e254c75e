import 'reflect-metadata';
import { SetMetadata } from '@nestjs/common';

/** Roles of an admin route, weakest first; a stronger role may do everything that a weaker one may. */
export const ACCESS_ROLES = ['viewer', 'operator', 'owner'] as const;
export type AccessRole = (typeof ACCESS_ROLES)[number];

/** Who may call a route. Declared on every route or on its controller; there is no default. */
export type RouteAccess = { kind: 'public' } | { kind: 'api_key' } | { kind: 'admin'; role: AccessRole };

type AccessDecorator = MethodDecorator & ClassDecorator;

const ACCESS_METADATA = 'joytoken:access';

/** Anyone may call it, without a credential. */
export const Public = (): AccessDecorator => declareAccess({ kind: 'public' });

/** Needs a valid API key. */
export const ApiKeyAccess = (): AccessDecorator => declareAccess({ kind: 'api_key' });

/** Needs an admin token of at least this role. */
export const AdminAccess = (role: AccessRole): AccessDecorator => declareAccess({ kind: 'admin', role });

/**
 * What a route declares: the method's own declaration, else its controller's.
 * @returns `null` when nothing is declared; a guard must refuse such a route.
 */
export function accessOf(handler: object, controller: object): RouteAccess | null {
  return readAccess(handler) ?? readAccess(controller);
}

/** Whether `actual` may do what `required` asks for. */
export function roleSuffices(actual: AccessRole, required: AccessRole): boolean {
  return ACCESS_ROLES.indexOf(actual) >= ACCESS_ROLES.indexOf(required);
}

function declareAccess(access: RouteAccess): AccessDecorator {
  return SetMetadata<string, RouteAccess>(ACCESS_METADATA, access);
}

function readAccess(target: object): RouteAccess | null {
  return (Reflect.getMetadata(ACCESS_METADATA, target) as RouteAccess | undefined) ?? null;
}
