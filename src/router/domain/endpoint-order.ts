import type { Endpoint } from '../../provider/index.js';
import { drawFor, hashText } from './hash.js';

/** An endpoint with its hash, made once when the pool is loaded. */
export interface PooledEndpoint {
  endpoint: Endpoint;
  hash: number;
}

/** Enabled endpoints, lowest priority number first, in an order that does not depend on the database. */
export function poolEndpoints(endpoints: readonly Endpoint[]): readonly PooledEndpoint[] {
  return endpoints
    .filter((endpoint) => endpoint.enabled)
    .sort((left, right) => left.priority - right.priority || compareText(left.id, right.id))
    .map((endpoint) => ({ endpoint, hash: hashText(endpoint.id) }));
}

/**
 * The order of trial: by priority; inside one priority a draw by weight that is the same for the same session (weighted
 * rendezvous), so a prompt cache at a provider is found again. Weight 0 comes last inside its priority. Endpoints
 * that are not healthy are left out.
 */
export function orderEndpoints(
  pooled: readonly PooledEndpoint[],
  sessionHash: number,
  isHealthy: (endpointId: string) => boolean,
): readonly Endpoint[] {
  const healthy = pooled.filter(({ endpoint }) => isHealthy(endpoint.id));
  if (healthy.length > 1) {
    const waits = new Map(healthy.map((item) => [item.endpoint.id, waitOf(item, sessionHash)]));
    healthy.sort(
      (left, right) =>
        left.endpoint.priority - right.endpoint.priority ||
        (waits.get(left.endpoint.id) ?? 0) - (waits.get(right.endpoint.id) ?? 0) ||
        compareText(left.endpoint.id, right.endpoint.id),
    );
  }
  return healthy.map(({ endpoint }) => endpoint);
}

/** Exponential clock with the weight as its rate: P(first) = weight / Σ weights. Finite also for weight 0. */
function waitOf(item: PooledEndpoint, sessionHash: number): number {
  const draw = -Math.log(drawFor(sessionHash, item.hash));
  return item.endpoint.weight > 0 ? draw / item.endpoint.weight : Number.MAX_VALUE;
}

/** Order of code units: the same on every machine, unlike a locale's. */
export function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
