import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { DataSource, MigrationExecutor, type MigrationInterface } from 'typeorm';
import { prepareSession } from './session.js';

/** Processes that start together migrate one after the other. The number is arbitrary and belongs to this program. */
const MIGRATION_LOCK = 7_052_026_002;
const SERVER_VERSION_MIN = 150_000;
const CONNECT_TIMEOUT_MS = 2_000;
const RETRY_MS = 250;

const MIGRATIONS_FOLDER = new URL('../../../migrations/', import.meta.url);

export interface MigrateOptions {
  url: string;
  /** How long a server that does not answer yet is waited for. */
  waitMs: number;
  /** Called once when it has to be waited for, with the reason. */
  onWaiting: (reason: string) => void;
}

/**
 * Brings the schema up to date, in one transaction under a lock that also holds behind a transaction-mode pooler.
 * @returns names of the migrations that were run.
 * @throws Error in plain words, without the password, when the server cannot be reached or is too old.
 */
export async function migrate({ url, waitMs, onWaiting }: MigrateOptions): Promise<string[]> {
  const source = new DataSource({
    type: 'postgres',
    url,
    migrations: await loadMigrations(),
    poolSize: 1,
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    applicationName: 'joytoken-gateway migrations',
    extra: { onConnect: prepareSession },
  });
  await connect(source, Date.now() + waitMs, onWaiting);
  try {
    return await runUnderLock(source);
  } finally {
    await source.destroy();
  }
}

/**
 * Looks whether a database has exactly the schema of this program, and changes nothing.
 * @param options `place` is what the database is called in an error.
 * @throws Error in plain words when it has not, or cannot be reached.
 */
export async function requireMigrated(options: MigrateOptions & { place: string }): Promise<void> {
  const { url, waitMs, onWaiting, place } = options;
  const source = new DataSource({ type: 'postgres', url, poolSize: 1, connectTimeoutMS: CONNECT_TIMEOUT_MS });
  await connect(source, Date.now() + waitMs, onWaiting);
  try {
    const known = (await loadMigrations()).map(({ name }) => name);
    const [table] = await source.query<{ oid: string | null }[]>(`select to_regclass('migrations') as oid`);
    const hasTable = (table?.oid ?? null) !== null;
    const rows = hasTable ? await source.query<{ name: string }[]>('select name from migrations') : [];
    const done = rows.map(({ name }) => name);
    if (done.length === 0) throw new Error(`${place} has no schema yet; start the gateway once`);
    if (known.some((name) => !done.includes(name))) {
      throw new Error(`the schema is older than this program in ${place}; start the gateway once`);
    }
    if (done.some((name) => !known.includes(name))) {
      throw new Error(`the schema is newer than this program in ${place}; update the program`);
    }
  } finally {
    await source.destroy();
  }
}

async function runUnderLock(source: DataSource): Promise<string[]> {
  const runner = source.createQueryRunner();
  await runner.connect();
  try {
    await requireVersion(runner);
    await runner.startTransaction();
    await runner.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    const executor = new MigrationExecutor(source, runner);
    executor.transaction = 'none';
    const done = await executor.executePendingMigrations();
    await runner.commitTransaction();
    return done.map(({ name }) => name);
  } catch (error) {
    if (runner.isTransactionActive) await runner.rollbackTransaction();
    throw error;
  } finally {
    await runner.release();
  }
}

async function requireVersion(runner: { query: (sql: string) => Promise<unknown> }): Promise<void> {
  const rows = (await runner.query('show server_version_num')) as { server_version_num: string }[];
  const version = Number(rows[0]?.server_version_num);
  if (version < SERVER_VERSION_MIN) {
    throw new Error(`the database is Postgres ${Math.floor(version / 10_000)}; 15 or newer is needed`);
  }
}

/** Every migration file beside the program: `.js` in the build, `.ts` in the sources. */
async function loadMigrations(): Promise<(new () => MigrationInterface)[]> {
  const files = (await readdir(MIGRATIONS_FOLDER)).filter((name) => /^\d+-[a-z0-9-]+\.(js|ts)$/.test(name)).sort();
  const modules = await Promise.all(
    files.map((name) => import(new URL(name, MIGRATIONS_FOLDER).href) as Promise<Record<string, unknown>>),
  );
  return modules.flatMap((loaded) => Object.values(loaded)).filter(isMigration);
}

function isMigration(value: unknown): value is new () => MigrationInterface {
  return typeof value === 'function' && 'up' in (value.prototype as object);
}

async function connect(source: DataSource, deadlineMs: number, onWaiting: (reason: string) => void): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await source.initialize();
      return;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      // 57P03: it is starting. Any other SQLSTATE (wrong password, no such database) stays as it is.
      const mayPass = !/^[0-9A-Z]{5}$/.test(code) || code === '57P03' || code === '53300';
      if (!mayPass || Date.now() > deadlineMs) throw new Error(describe(source, error), { cause: error });
      if (attempt === 1) onWaiting(describe(source, error));
      await delay(RETRY_MS);
    }
  }
}

/** A database as people are told of it: name, host and port, without user and password. */
export function nameOfDatabase(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `database ${pathname.slice(1)} on ${hostname}:${port === '' ? '5432' : port}`;
}

function describe(source: DataSource, error: unknown): string {
  const reasons = error instanceof AggregateError ? error.errors : [error];
  const reason = reasons.map((one) => (one instanceof Error ? one.message : String(one))).join('; ');
  return `cannot open ${nameOfDatabase((source.options as { url: string }).url)}: ${reason}`;
}
