import type { CatalogRoute, OperationSpec } from '../../platform/openapi/index.js';

const MODEL_CALL_STATUSES = [400, 401, 402, 403, 404, 429, 500, 502, 503, 504];
const ALWAYS = [500, 503];

/** Statuses with which a route may refuse or fail, beside those that every HTTP server knows. */
export function errorStatusesOf(route: CatalogRoute & { operation: OperationSpec }): readonly number[] {
  if (route.operation.streams === true) return MODEL_CALL_STATUSES;
  const statuses = [...(route.access?.kind === 'admin' ? adminStatuses(route) : callerStatuses(route)), ...ALWAYS];
  return [...new Set(statuses)].sort((left, right) => left - right);
}

function adminStatuses({ path, method, operation }: CatalogRoute & { operation: OperationSpec }): number[] {
  const isWrite = method !== 'GET';
  return [
    400,
    401,
    403,
    429,
    ...(hasParameter(path) ? [404, 422] : []),
    ...(isWrite ? [409, 422] : []),
    ...('If-Match' in (operation.headers?.shape ?? {}) ? [412] : []),
  ];
}

function callerStatuses({ path, access, operation }: CatalogRoute & { operation: OperationSpec }): number[] {
  return [
    ...(access?.kind === 'api_key' ? [401, 403] : []),
    ...(operation.forObservers === true ? [401, 429] : []),
    ...(hasParameter(path) ? [404] : []),
    ...(operation.query === undefined ? [] : [400]),
    405,
  ];
}

function hasParameter(path: string): boolean {
  return /[:*]/.test(path);
}
