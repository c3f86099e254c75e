import type { INestApplicationContext } from '@nestjs/common';
import { ConfigError, readConfig, type Config } from '../platform/config/index.js';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import { openDatabase, type OpenedDatabase } from './open-database.js';
import { StartError } from './start-error.js';
import { StopSignal } from './stop-signal.js';

/** A started program: what the signal to stop has to end. */
export interface Running {
  app: INestApplicationContext;
  /** Takes no new work and waits for what runs. Called before the application is closed. */
  drain: () => Promise<void>;
}

export interface Program {
  /** What the command line sets, in place of the environment. */
  settings?: () => Readonly<Record<string, string>>;
  /** Checks that cost nothing and fail at once. */
  prepare: (config: Config) => Promise<void>;
  /** Loads the program's modules. Runs beside the start of the database. */
  load: () => Promise<(opened: OpenedDatabase) => Promise<Running>>;
}

const CLOSE_TIMEOUT_MS = 15_000;

/** Starts a program on its database, waits for SIGTERM or SIGINT, and ends it in order. Never returns. */
export async function run(program: Program): Promise<never> {
  const stop = new StopSignal();
  let exitCode = 0;
  try {
    await lifeOf(program, stop);
  } catch (error) {
    process.stderr.write(`${describe(error)}\n`);
    exitCode = 1;
  }
  process.exit(exitCode);
}

async function lifeOf(program: Program, stop: StopSignal): Promise<void> {
  const config = readConfig({ ...process.env, ...program.settings?.() });
  await program.prepare(config);
  const loading = program.load();
  loading.catch(() => undefined);
  const opened = await openDatabase(config);
  try {
    const start = await loading;
    if (stop.signal.aborted) return;
    const running = await start(opened);
    const logger = running.app.get<Logger>(LOGGER);
    watchForFaults(logger);
    await stop.received();
    logger.info('stopping');
    await running.drain();
    await within(CLOSE_TIMEOUT_MS, running.app.close(), () => logger.error('closing takes too long; leaving'));
    logger.info('stopped');
    await flushed(logger);
  } finally {
    await opened.release();
  }
}

/** A rejection that nobody awaited is a bug, but not one that other callers' answers should be cut for; a thrown one is. */
function watchForFaults(logger: Logger): void {
  process.on('unhandledRejection', (reason) => logger.error({ detail: String(reason) }, 'unhandled rejection'));
  process.on('uncaughtException', (error) => {
    logger.fatal({ detail: error.stack }, 'uncaught exception');
    logger.flush(() => process.exit(1));
  });
}

async function within(timeoutMs: number, work: Promise<void>, late: () => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      late();
      resolve();
    }, timeoutMs);
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}

async function flushed(logger: Logger): Promise<void> {
  await new Promise<void>((resolve) => logger.flush(() => resolve()));
}

/** Faults of the settings and of the machine are one line each; anything else is a bug and shows where it happened. */
function describe(error: unknown): string {
  if (error instanceof ConfigError || error instanceof StartError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
