import 'reflect-metadata';
import { requireAllowedWebhook } from './start/checkpoint-webhook.js';
import { requireFreeMetricsPort } from './start/port.js';
import { run } from './start/run.js';

await run({
  prepare: async (config) => {
    await requireFreeMetricsPort(config);
    await requireAllowedWebhook(config);
  },
  load: async () => (await import('./start/worker-program.js')).startWorker,
});
