import { collectDefaultMetrics, Registry } from 'prom-client';

/** Injection token of the registry that `/metrics` prints. */
export const METRICS = Symbol('METRICS');

export { Counter, Gauge, Histogram } from 'prom-client';
export type { Registry };

/** A registry of its own for each application, so that two in one test process do not collide. */
export function createMetrics(): Registry {
  const register = new Registry();
  // CPU, memory, garbage collection, and the delay of the event loop.
  collectDefaultMetrics({ register });
  return register;
}
