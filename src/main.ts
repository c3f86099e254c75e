import 'reflect-metadata';
import { requireFreePort } from './start/port.js';
import { run } from './start/run.js';

await run({
  prepare: (config) => requireFreePort(config.HOST, config.PORT),
  // Loaded while the database starts: both take a while.
  load: async () => (await import('./start/gateway-program.js')).startGateway,
});
