import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { PoolApply, PoolRefusedError, RefusedSettingError, SeedService } from '../admin/index.js';
import { AppModule } from '../app.module.js';
import { configureApp, createFastifyAdapter, RunningCalls } from '../gateway/index.js';
import { ServingState } from '../health/index.js';
import { assertEveryRouteDeclaresAccess } from '../platform/access/index.js';
import type { Config } from '../platform/config/index.js';
import { LOGGER, NestLogger, type Logger } from '../platform/logging/index.js';
import { banner } from './banner.js';
import { HttpDrain } from './http-drain.js';
import { startMetrics, type MetricsServer } from './metrics-server.js';
import type { OpenedDatabase } from './open-database.js';
import { packageVersion } from './package-root.js';
import { readPoolText, settingPath } from './pool-file-path.js';
import { describeListenError } from './port.js';
import type { Running } from './run.js';
import { StartError } from './start-error.js';

/** Longest time for the pipeline to write down what callers who were cut off had received; a capture is tried for 2 s. */
const CUT_GRACE_MS = 2_500;

/** Builds the application, makes what a first start needs, listens, and says on the screen how to use it. */
export async function startGateway(opened: OpenedDatabase): Promise<Running> {
  const { config } = opened;
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forRoot(config, 'gateway'),
    createFastifyAdapter(),
    { bodyParser: false, logger: false, abortOnError: false },
  );
  let metrics: MetricsServer | null = null;
  try {
    const logger = app.get<Logger>(LOGGER);
    app.useLogger(new NestLogger(logger));
    configureApp(app);
    assertEveryRouteDeclaresAccess(app);
    await app.init();
    const declared = await applyPoolFile(app, config, logger);
    const drain = new HttpDrain(app.getHttpServer());
    await listen(app, config);
    metrics = await startMetrics(app, config);
    process.stdout.write(await firstWords(app, opened, declared));
    const { close } = metrics;
    return { app, drain: () => stopServing(app, drain, config, logger).finally(close) };
  } catch (error) {
    metrics?.close();
    await app.close();
    throw error;
  }
}

/**
 * Before the first caller: nobody is served by the pool of yesterday. A file that is refused ends the start.
 * @returns the providers that it declares.
 */
async function applyPoolFile(
  app: NestFastifyApplication,
  { GATEWAY_CONFIG }: Config,
  logger: Logger,
): Promise<readonly string[]> {
  if (GATEWAY_CONFIG === undefined) return [];
  const file = await readPoolText(settingPath(GATEWAY_CONFIG));
  const options = { prune: false, allowPriceJumps: false };
  try {
    const report = await app.get(PoolApply).apply({ ...file, environment: process.env, options, dryRun: false });
    for (const { line, message } of report.notes) logger.warn({ file: file.name, line }, `pool file: ${message}`);
    const { providers } = report;
    logger.info({ file: file.name, changes: report.changes.length, providers }, 'the pool file is applied');
    return providers;
  } catch (error) {
    if (error instanceof PoolRefusedError) throw new StartError(error.message, { cause: error });
    throw error;
  }
}

/** Listening comes first: a key that is made and then not shown, because the port is taken, would be lost. */
async function firstWords(
  app: NestFastifyApplication,
  { config, dataDir }: OpenedDatabase,
  declaredProviders: readonly string[],
): Promise<string> {
  const demo = config.SEED === undefined ? dataDir !== null : config.SEED === 'demo';
  const seeded = await app.get(SeedService).run({ demo, declaredProviders }).catch(refusedSetting);
  const { port } = app.getHttpServer().address() as AddressInfo;
  return banner({
    ...seeded,
    url: `http://${hostInUrl(config.HOST)}:${port}`,
    version: packageVersion(),
    startedInMs: performance.now(),
    dataDir,
    adminTokenConfigured: config.ADMIN_TOKEN !== undefined,
  });
}

function refusedSetting(error: unknown): never {
  if (error instanceof RefusedSettingError) throw new StartError(error.message, { cause: error });
  throw error;
}

async function listen(app: NestFastifyApplication, { HOST, PORT }: Config): Promise<void> {
  try {
    await app.listen(PORT, HOST);
  } catch (error) {
    throw describeListenError(error as NodeJS.ErrnoException, HOST, PORT);
  }
}

async function stopServing(
  app: NestFastifyApplication,
  drain: HttpDrain,
  config: Config,
  logger: Logger,
): Promise<void> {
  app.get(ServingState).startStopping();
  const untilMs = performance.now() + config.SHUTDOWN_TIMEOUT_MS;
  const cut = await drain.drain(config.SHUTDOWN_TIMEOUT_MS);
  if (cut > 0) logger.warn({ cut, timeout_ms: config.SHUTDOWN_TIMEOUT_MS }, 'answers were cut off by the shutdown');
  // Callers who have left hold no connection any more, but their bill may still be open.
  const calls = app.get(RunningCalls);
  if ((await calls.untilNone(Math.max(0, untilMs - performance.now()))) === 0) return;
  calls.cancel();
  await calls.untilNone(CUT_GRACE_MS);
}

/** Where a person on this machine finds it. */
function hostInUrl(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
