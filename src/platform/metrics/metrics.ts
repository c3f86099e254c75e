import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { LoopHold } from './loop-hold.js';

/** Injection token of the registry that `/metrics` prints. */
export const METRICS = Symbol('METRICS');

export { Counter, Gauge, Histogram } from 'prom-client';
export type { Registry };

/** A registry of its own for each application, so that two in one test process do not collide. */
export function createMetrics(): Registry {
  const register = new Registry();
  // CPU, memory, garbage collection, and the delay of the event loop.
  collectDefaultMetrics({ register });
  const hold = new LoopHold();
  new Gauge({
    name: 'event_loop_held_seconds',
    help: 'CPU time of the longest hold of the event loop since the last reading',
    registers: [register],
    collect() {
      this.set(hold.takeLongestMs() / 1_000);
    },
  });
  return register;
}
