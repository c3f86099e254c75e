import path from 'node:path';
import type { Config } from '../platform/config/index.js';
import { makeDataDir, startEmbeddedPostgres } from '../platform/database/embedded/index.js';
import { migrate, requireMigrated } from '../platform/database/migrate.js';
import { readOrMakeSecrets } from './local-secrets.js';
import { packageRoot } from './package-root.js';
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
  const secrets = await inPlainWords(() => localSecrets(config, dataDir));
  const embedded = await inPlainWords(() => startEmbeddedPostgres({ dataDir, preferSocket: true }));
  try {
    await migrateTo(embedded.url, EMBEDDED_WAIT_MS);
  } catch (error) {
    await embedded.release();
    throw error;
  }
  const resolved = { ...config, ...secrets, ...checkpointFile(config, dataDir), DATABASE_URL: embedded.url };
  return { config: resolved, dataDir, release: () => embedded.release() };
}

/**
 * Opens the configured database for a program that only reads. One of DATABASE_URL is left as it is; the embedded one is
 * made and brought up to date as by a start.
 * @throws StartError when it cannot be had, or does not have the schema of this program.
 */
export async function openMigratedDatabase(
  config: Config,
): Promise<{ url: string; config: Config; release: () => Promise<void> }> {
  const url = config.DATABASE_URL;
  if (url !== undefined) {
    await inPlainWords(() => requireMigrated({ url, waitMs: EXTERNAL_WAIT_MS, onWaiting }));
    return { url, config: { ...config, ...checkpointFile(config, null) }, release: () => Promise.resolve() };
  }
  const opened = await openDatabase(config);
  return { url: opened.config.DATABASE_URL ?? '', config: opened.config, release: opened.release };
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
