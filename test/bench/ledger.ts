import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { PROJECT_DIR } from '../support/build.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { MoneyWorld } from '../support/money-world.js';
import { fillBooks } from './ledger-books.js';
import { startOwnPostgres } from './postgres.js';

const USAGE = `npm run bench:ledger -- [--rows 1000000] [--no-seals] [--database-url <url>] [--keep]

Fills a database with consistent books of so many ledger rows (one account has a fifth of them), seals them as the workers
do, runs ledger:verify on it and prints how long each took and the most memory that the verification had.
Ten million rows need about 20 GB of disk.

  --no-seals      neither seals nor verifies seals
  --database-url  a server with the right to create databases and to be superuser; an embedded one of its own otherwise
  --keep          leaves the database there`;

const RSS_EVERY_MS = 100;
const KIB = 1024;
const ENCRYPTION_SECRETS = `1:${randomBytes(32).toString('base64')}`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string', default: '1000000' },
      'no-seals': { type: 'boolean', default: false },
      'database-url': { type: 'string' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(USAGE);
  const rows = Number(values.rows);
  if (!Number.isSafeInteger(rows) || rows < 1) throw new Error('--rows must be a whole number of at least 1');
  const own = values['database-url'] === undefined ? await startOwnPostgres() : null;
  process.env['TEST_DATABASE_URL'] = own?.url ?? values['database-url'];
  try {
    const database = await createTestDatabase();
    await measure(database, rows, !values['no-seals']);
    if (values.keep) print(`the database is kept: ${new URL(database.url).pathname.slice(1)}`);
    else await database.drop();
  } finally {
    await own?.stop();
  }
}

async function measure(database: TestDatabase, rows: number, withSeals: boolean): Promise<void> {
  const world = await MoneyWorld.start({ database, settings: { ENCRYPTION_SECRETS } });
  try {
    await timed('filled', () => fill(world, rows));
    print(`size                 ${await sizeOf(world)}`);
    if (withSeals) await timed('sealed', () => seal(world));
  } finally {
    await world.stop();
  }
  await verify(database, withSeals ? [] : ['--no-seals']);
}

async function fill({ database, modelId, priceId }: MoneyWorld, rows: number): Promise<void> {
  const sql = new Client({ connectionString: database.url });
  await sql.connect();
  try {
    await fillBooks(sql, { rows, modelId, priceId }, (step) => void process.stderr.write(`${step}\n`));
  } finally {
    await sql.end();
  }
}

async function seal(world: MoneyWorld): Promise<void> {
  let total = 0;
  for (let sealed = -1; sealed !== 0; total += sealed) {
    sealed = await world.seals.sealPending();
    process.stderr.write(`${String(total + sealed)} rows sealed\n`);
  }
}

async function sizeOf(world: MoneyWorld): Promise<string> {
  const [row] = await world.sql.query<{ size: string }[]>(
    'select pg_size_pretty(pg_database_size(current_database())) as size',
  );
  return row?.size ?? '';
}

/** Runs the command as `npm run ledger:verify` does, with the same limits. */
async function verify(database: TestDatabase, args: readonly string[]): Promise<void> {
  const startedMs = performance.now();
  const program = join(PROJECT_DIR, 'dist/src/start/verify-ledger.js');
  const child = spawn(process.execPath, [...nodeFlags(), program, ...args], {
    env: { PATH: process.env['PATH'], DATABASE_URL: database.url, ENCRYPTION_SECRETS },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let peakKib = 0;
  const watch = setInterval(() => (peakKib = Math.max(peakKib, peakOf(child.pid ?? 0))), RSS_EVERY_MS);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const printed = await text(child.stdout);
  const code = await exited;
  clearInterval(watch);
  print(printed.trimEnd());
  print(`verified             ${seconds(performance.now() - startedMs)}, exit code ${String(code)}`);
  print(`most memory          ${(peakKib / KIB).toFixed(0)} MiB resident`);
  if (code !== 0) process.exitCode = 1;
}

/** What package.json gives the command. */
function nodeFlags(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(PROJECT_DIR, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  return (scripts['ledger:verify'] ?? '').split(' ').filter((word) => word.startsWith('--max-'));
}

/** VmHWM: the most that a process has had in memory, KiB; 0 where /proc does not say. */
function peakOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

async function timed(what: string, work: () => Promise<void>): Promise<void> {
  const startedMs = performance.now();
  await work();
  print(`${what.padEnd(20)} ${seconds(performance.now() - startedMs)}`);
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main();
