import 'reflect-metadata';
import { startSettings } from './start/pool-file-path.js';
import { requireFreePort } from './start/port.js';
import { run } from './start/run.js';

await run({
  settings: () => startSettings(process.argv.slice(2)),
  prepare: (config) => requireFreePort(config.HOST, config.PORT),
  // Loaded while the database starts: both take a while.
  load: async () => (await import('./start/gateway-program.js')).startGateway,
});
