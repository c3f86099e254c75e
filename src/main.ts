import 'reflect-metadata';
import { requireAllowedWebhook } from './start/checkpoint-webhook.js';
import { startSettings } from './start/pool-file-path.js';
import { requireFreePorts } from './start/port.js';
import { run } from './start/run.js';

await run({
  settings: () => startSettings(process.argv.slice(2)),
  prepare: async (config) => {
    await requireFreePorts(config);
    await requireAllowedWebhook(config);
  },
  // Loaded while the database starts: both take a while.
  load: async () => (await import('./start/gateway-program.js')).startGateway,
});
