import { NestFactory } from '@nestjs/core';
import { AppModule } from '../app.module.js';
import { LOGGER, NestLogger, type Logger } from '../platform/logging/index.js';
import { QueueHealth } from '../platform/queue/index.js';
import { startMetrics } from './metrics-server.js';
import type { OpenedDatabase } from './open-database.js';
import type { Running } from './run.js';
import { startPulse } from './worker-pulse.js';

/** The settlement workers without any door. Closing the application waits for the jobs that run. */
export async function startWorker({ config }: OpenedDatabase): Promise<Running> {
  const module = AppModule.forRoot({ ...config, WORKERS_ENABLED: true }, 'worker');
  const app = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
  const logger = app.get<Logger>(LOGGER);
  app.useLogger(new NestLogger(logger));
  const metrics = await startMetrics(app, config);
  const pulse = startPulse(() => app.get(QueueHealth, { strict: false }).ping());
  logger.info('worker started');
  return {
    app,
    drain: () => {
      pulse.stop();
      metrics.close();
      return Promise.resolve();
    },
  };
}
