import 'reflect-metadata';
import { run } from './start/run.js';

await run({
  prepare: () => Promise.resolve(),
  load: async () => (await import('./start/worker-program.js')).startWorker,
});
