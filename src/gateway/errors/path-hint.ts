import type { RouteTable } from '../route-table.js';

const MODEL_DOOR = '/openai/v1';
const SEGMENTS_MAX = 8;
const BASE_URL = `Set the client's base URL to this server followed by ${MODEL_DOOR}.`;

/**
 * What to do about an unknown path. The usual cause is a wrong base URL: `/v1/…`, no base at all, or the base twice.
 * @param path without query, fit to be shown.
 * @returns `undefined` where the path looks like none of a client.
 */
export function pathHint(path: string, routes: RouteTable): string | undefined {
  const segments = path.split('/').filter((segment) => segment !== '');
  for (const at of segments.slice(0, SEGMENTS_MAX).keys()) {
    const right = [MODEL_DOOR, ...segments.slice(at)].join('/');
    if (routes.methodsOf(right).length > 0) return `The path is ${right}. ${BASE_URL}`;
  }
  if (!`${path}/`.startsWith(`${MODEL_DOOR}/`)) return undefined;
  return 'The gateway does not serve this path. The README lists the endpoints under /openai/v1.';
}
