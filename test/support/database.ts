import { createHash, randomBytes } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Client } from 'pg';
import { DataSource, type MigrationInterface } from 'typeorm';

/** One lock for all Jest workers and all runs on one server: Postgres copies a template only while nobody uses it. */
const TEMPLATE_LOCK = 7_052_026_001;
const TEMPLATE_PREFIX = 'joytoken_template_';
const TEST_PREFIX = 'joytoken_test_';
/** A test database this old was left by a killed run. */
const ORPHAN_AGE_MS = 2 * 60 * 60 * 1000;
/** Sources in a test, compiled in a tool of `dist`. */
const MIGRATIONS_DIR = resolve(import.meta.dirname, '../../migrations');

export interface TestDatabase {
  /** Connection URL of a migrated, empty database of its own. */
  url: string;
  /** Removes the database; connections still open are ended. */
  drop(): Promise<void>;
}

/**
 * Clones the migrated template into a new database. The server is TEST_DATABASE_URL, or the embedded Postgres that the
 * Jest run started. Safe from several Jest workers at once.
 * @throws when there is no server: a test without its database fails, it is never skipped.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const adminUrl = adminDatabaseUrl();
  const name = `${TEST_PREFIX}${Date.now().toString()}_${process.pid.toString()}_${randomBytes(4).toString('hex')}`;
  await asAdmin(adminUrl, async (admin) => {
    await admin.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const template = await ensureTemplate(admin, adminUrl);
    await admin.query(`create database ${name} template ${template}`);
  });
  return {
    url: urlOf(adminUrl, name),
    drop: () => asAdmin(adminUrl, (admin) => dropDatabase(admin, name)),
  };
}

/** URL of a maintenance database on the test server, with the right to create databases. */
export function adminDatabaseUrl(): string {
  const url = process.env['TEST_DATABASE_URL'];
  if (url === undefined || url === '') throw new Error('TEST_DATABASE_URL is not set and no embedded Postgres runs');
  return url;
}

/** The template carries the hash of the migrations in its name: a changed migration makes a new template. */
async function ensureTemplate(admin: Client, adminUrl: string): Promise<string> {
  const files = (await readdir(MIGRATIONS_DIR)).filter((file) => /^\d+-.*\.[jt]s$/.test(file)).sort();
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(resolve(MIGRATIONS_DIR, file)));
  const name = TEMPLATE_PREFIX + hash.digest('hex').slice(0, 16);
  const found = await admin.query('select 1 from pg_database where datname = $1', [name]);
  if (found.rowCount === 1) return name;
  await dropLeftovers(admin);
  const building = `${name}_building`;
  await dropDatabase(admin, building);
  await admin.query(`create database ${building}`);
  await migrate(urlOf(adminUrl, building), files);
  // Renamed last: a run that dies while migrating leaves no template that looks finished.
  await admin.query(`alter database ${building} rename to ${name}`);
  return name;
}

async function migrate(url: string, files: readonly string[]): Promise<void> {
  const loaded = await Promise.all(
    files.map((file) => import(resolve(MIGRATIONS_DIR, file)) as Promise<Record<string, unknown>>),
  );
  const migrations = loaded.flatMap((module) => Object.values(module)).filter(isMigration);
  const source = new DataSource({ type: 'postgres', url, migrations, logging: false });
  await source.initialize();
  try {
    await source.runMigrations({ transaction: 'each' });
  } finally {
    await source.destroy();
  }
}

function isMigration(value: unknown): value is new () => MigrationInterface {
  return typeof value === 'function' && 'up' in (value.prototype as object);
}

/** Templates of other migrations and databases of runs that were killed. */
async function dropLeftovers(admin: Client): Promise<void> {
  const { rows } = await admin.query<{ datname: string }>(
    `select datname from pg_database where starts_with(datname, $1) or starts_with(datname, $2)`,
    [TEMPLATE_PREFIX, TEST_PREFIX],
  );
  for (const { datname } of rows) {
    const createdMs = Number(datname.slice(TEST_PREFIX.length).split('_')[0]);
    const orphan = datname.startsWith(TEST_PREFIX) && createdMs < Date.now() - ORPHAN_AGE_MS;
    if (datname.startsWith(TEMPLATE_PREFIX) || orphan) await dropDatabase(admin, datname);
  }
}

async function dropDatabase(admin: Client, name: string): Promise<void> {
  await admin.query(`drop database if exists ${name} with (force)`);
}

function urlOf(adminUrl: string, database: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  return url.href;
}

async function asAdmin<T>(adminUrl: string, work: (admin: Client) => Promise<T>): Promise<T> {
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}
