import path from 'node:path';
import type { Config } from '../platform/config/index.js';
import { hasCluster, makeDataDir, startEmbeddedPostgres } from '../platform/database/embedded/index.js';
import { migrate, nameOfDatabase, requireMigrated } from '../platform/database/migrate.js';
import { AppError, type ErrorCode } from '../platform/errors/index.js';
import { readOrMakeSecrets } from './local-secrets.js';
import { packageRoot } from './package-root.js';
import { closeToOthers } from './private-files.js';
import { StartError } from './start-error.js';

export interface OpenedDatabase {
  /** The configuration with DATABASE_URL and the secrets filled in. */
  config: Config;
  /** Folder of the embedded database, `null` when DATABASE_URL was set. */
  dataDir: string | null;
  /** To be called when nothing uses the database any more. */
  release: () => Promise<void>;
}

const EXTERNAL_WAIT_MS = 15_000;
const EMBEDDED_WAIT_MS = 5_000;

/**
 * Opens the configured database, or the embedded one, and brings its schema up to date.
 * @throws StartError when it cannot be had.
 */
export async function openDatabase(config: Config): Promise<OpenedDatabase> {
  if (config.DATABASE_URL !== undefined) {
    await migrateTo(config.DATABASE_URL, EXTERNAL_WAIT_MS);
    return { config: { ...config, ...checkpointFile(config, null) }, dataDir: null, release: () => Promise.resolve() };
  }
  const dataDir = path.resolve(packageRoot(), config.DATA_DIR);
  for (const sentence of await closeToOthers(dataDir)) process.stderr.write(`${sentence}\n`);
  const { url, ...opened } = await openEmbedded(config, dataDir);
  try {
    await migrateTo(url, EMBEDDED_WAIT_MS);
  } catch (error) {
    await opened.release();
    throw error;
  }
  return opened;
}

/** A database that was there before, and where: as people are told, without user and password. */
export interface FoundDatabase {
  config: Config;
  place: string;
}

/** Where a program looks for its data: as people are told, without user and password. */
export function placeOf({ DATABASE_URL: url, DATA_DIR: folder }: Config): string {
  return url === undefined ? `the data folder ${path.resolve(packageRoot(), folder)}` : nameOfDatabase(url);
}

/**
 * Does some work on a database that is there, and leaves its schema as it is: for programs that read, whose answer about a new
 * and empty database would look like a good one. Makes no data folder, no database and no secrets.
 * @throws StartError naming the place when there is none, or it does not have the schema of this program; AppError of the work,
 * with the place when something was not found.
 */
export async function onFoundDatabase<T>(config: Config, work: (found: FoundDatabase) => Promise<T>): Promise<T> {
  const place = placeOf(config);
  const { url, release, config: found } = await findDatabase(config, place);
  try {
    await inPlainWords(() => requireMigrated({ url, waitMs: EXTERNAL_WAIT_MS, onWaiting, place }));
    return await work({ config: found, place });
  } catch (error) {
    if (!(error instanceof AppError) || error.kind !== 'not_found') throw error;
    const { code, hint } = error;
    throw new AppError('not_found', `${error.message} in ${place}`, {
      code: code as ErrorCode | null,
      ...(hint === undefined ? {} : { hint }),
    });
  } finally {
    await release();
  }
}

async function findDatabase(config: Config, place: string): Promise<OpenedDatabase & { url: string }> {
  const { DATABASE_URL: url } = config;
  if (url !== undefined) {
    const found = { ...config, ...checkpointFile(config, null) };
    return { config: found, dataDir: null, url, release: () => Promise.resolve() };
  }
  const dataDir = path.resolve(packageRoot(), config.DATA_DIR);
  if (!(await hasCluster(dataDir))) {
    throw new StartError(`there is no database in ${place}; set DATA_DIR or DATABASE_URL to what the gateway uses`);
  }
  return openEmbedded(config, dataDir);
}

async function openEmbedded(config: Config, dataDir: string): Promise<OpenedDatabase & { url: string }> {
  const secrets = await inPlainWords(() => localSecrets(config, dataDir));
  const { url, release } = await inPlainWords(() => startEmbeddedPostgres({ dataDir, preferSocket: true }));
  const resolved = { ...config, ...secrets, ...checkpointFile(config, dataDir), DATABASE_URL: url };
  return { config: resolved, dataDir, url, release: () => release() };
}

/** What the environment sets wins; what it leaves out is made once and kept beside the data. */
async function localSecrets(config: Config, dataDir: string): Promise<Partial<Config>> {
  const { HASH_SECRETS, ENCRYPTION_SECRETS } = config;
  await makeDataDir(dataDir);
  if (HASH_SECRETS !== undefined && ENCRYPTION_SECRETS !== undefined) return {};
  const made = await readOrMakeSecrets(dataDir);
  return {
    HASH_SECRETS: HASH_SECRETS ?? made.HASH_SECRETS,
    ENCRYPTION_SECRETS: ENCRYPTION_SECRETS ?? made.ENCRYPTION_SECRETS,
  };
}

/** Beside an embedded database checkpoints are always kept; elsewhere only where the operator says. */
function checkpointFile({ LEDGER_CHECKPOINT_FILE: file }: Config, dataDir: string | null): Partial<Config> {
  if (file !== undefined) return { LEDGER_CHECKPOINT_FILE: path.resolve(packageRoot(), file) };
  return dataDir === null ? {} : { LEDGER_CHECKPOINT_FILE: path.join(dataDir, 'ledger-checkpoints.jsonl') };
}

async function migrateTo(url: string, waitMs: number): Promise<void> {
  await inPlainWords(() => migrate({ url, waitMs, onWaiting }));
}

function onWaiting(reason: string): void {
  process.stderr.write(`${reason}; waiting for it\n`);
}

async function inPlainWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error) throw new StartError(error.message, { cause: error });
    throw error;
  }
}
