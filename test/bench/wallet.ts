import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { newId, newRequestId } from '../../src/platform/ids/index.js';
import { MoneyWorld } from '../support/money-world.js';
import { startOwnPostgres } from './postgres.js';

const USAGE = `npm run bench:wallet -- [--rounds 3] [--seconds 4] [--pgbench pgbench]
Freezes a second through the wallet, in alternation with pgbench calling the same SQL function (T5, T6).
Starts a Postgres of its own unless TEST_DATABASE_URL names one. Needs pgbench, on the PATH or by --pgbench.`;

const run = promisify(execFile);
const CALLERS = 64;
const WALLETS = 1_000;
const CREDITS = 1_000_000_000_000n;
const PGBENCH_CLIENTS = [4, 16, 32];

interface Options {
  rounds: number;
  seconds: number;
  pgbench: string;
}

interface Figure {
  freezes: number;
  pairs: number;
  pgbench: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '4' },
      pgbench: { type: 'string', default: 'pgbench' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(`${USAGE}\n`);
  const options = { rounds: Number(values.rounds), seconds: Number(values.seconds), pgbench: values.pgbench };
  const postgres = process.env['TEST_DATABASE_URL'] === undefined ? await startOwnPostgres() : null;
  if (postgres !== null) process.env['TEST_DATABASE_URL'] = postgres.url;
  try {
    await measureAll(options);
  } finally {
    await postgres?.stop();
  }
}

async function measureAll(options: Options): Promise<void> {
  const world = await MoneyWorld.start();
  try {
    const accounts: string[] = [];
    while (accounts.length < WALLETS) accounts.push(await world.account(CREDITS));
    const cases: [string, string[], number][] = [
      [`T5 ${WALLETS} wallets`, accounts, 1.3],
      ['T6 one wallet', accounts.slice(0, 1), 4.5],
    ];
    for (const [name, members, target] of cases) {
      const figure = await measure(world, members, options);
      const ratio = figure.freezes / figure.pgbench;
      process.stdout.write(
        `${name}: ${round(figure.freezes)} freezes/s, ${round(figure.pairs)} freeze+capture+settle/s, ` +
          `pgbench ${round(figure.pgbench)}/s, ratio ${ratio.toFixed(2)} (target ${target})\n`,
      );
    }
    const differences = await world.audit();
    process.stdout.write(`differences in the books: ${differences.length}\n`);
    if (differences.length > 0) process.exitCode = 1;
  } finally {
    await world.stop();
  }
}

/** Medians over alternating rounds. */
async function measure(world: MoneyWorld, accounts: readonly string[], options: Options): Promise<Figure> {
  const runs: Figure[] = [];
  for (let at = 0; at < options.rounds; at++) {
    const freezes = await throughput(options.seconds, () => freezeOne(world, accounts));
    await endFreezes(world);
    const pairs = await throughput(options.seconds, () => captureOne(world, accounts), world);
    let pgbench = 0;
    for (const clients of PGBENCH_CLIENTS) {
      pgbench = Math.max(pgbench, await runPgbench(world, accounts, clients, options));
      await endFreezes(world);
    }
    runs.push({ freezes, pairs, pgbench });
  }
  const median = (pick: (figure: Figure) => number): number =>
    runs.map(pick).sort((one, other) => one - other)[Math.floor(runs.length / 2)] ?? 0;
  return { freezes: median((f) => f.freezes), pairs: median((f) => f.pairs), pgbench: median((f) => f.pgbench) };
}

/** Runs callers for a while; with a world, settles at the same time. @returns calls a second. */
async function throughput(seconds: number, call: () => Promise<void>, settling?: MoneyWorld): Promise<number> {
  const startedMs = performance.now();
  const untilMs = startedMs + seconds * 1000;
  let calls = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      await call();
      calls++;
    }
  };
  const settler = async (): Promise<void> => {
    while (settling !== undefined && performance.now() < untilMs) {
      await settling.settlement.settlePending();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await settling?.settlement.settlePending();
  };
  await Promise.all([...Array.from({ length: CALLERS }, caller), settler()]);
  return (calls * 1000) / (performance.now() - startedMs);
}

async function freezeOne(world: MoneyWorld, accounts: readonly string[]): Promise<void> {
  const accountId = accounts[Math.floor(Math.random() * accounts.length)] ?? '';
  const result = await world.wallets.freeze(world.freezeRequest(accountId, 10n));
  if (!result.ok) throw new Error(result.refusal);
}

async function captureOne(world: MoneyWorld, accounts: readonly string[]): Promise<void> {
  const accountId = accounts[Math.floor(Math.random() * accounts.length)] ?? '';
  const request = world.freezeRequest(accountId, 10n);
  await world.wallets.freeze(request);
  await world.wallets.capture(accountId, request.id, world.outcome(3));
}

async function runPgbench(
  world: MoneyWorld,
  accounts: readonly string[],
  clients: number,
  options: Options,
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'wallet-bench-'));
  const script = join(folder, 'freeze.sql');
  await world.sql.query('create table if not exists bench_account (no integer primary key, id uuid not null)');
  await world.sql.query('truncate bench_account');
  await world.sql.query(
    'insert into bench_account select ordinality, id from unnest($1::uuid[]) with ordinality as t (id)',
    [accounts],
  );
  await writeFile(
    script,
    `\\set no random(1, ${accounts.length})
select wallet_freeze_one('${newId()}', a.id, '${newRequestId()}' || gen_random_uuid(), 'standard', a.id, 10, null, null, null, null,
  '${world.modelId}', '${world.priceId}', 'client-1', false, '{"modelKey":"test/model","usdPerCreditMicros":"10000"}')
  from bench_account a where a.no = :no;\n`,
  );
  const args = ['-n', '-M', 'prepared', '-f', script, '-c', `${clients}`, '-j', '2', '-T', `${options.seconds}`];
  const { stdout } = await run(options.pgbench, [...args, world.database.url]);
  await rm(folder, { recursive: true });
  return Number(/tps = ([\d.]+)/.exec(stdout)?.[1] ?? 0);
}

/** Gives everything back, so that each run meets the same tables. */
async function endFreezes(world: MoneyWorld): Promise<void> {
  await world.sql.query(`update wallet_freeze set process_id = gen_random_uuid() where state = 'held'`);
  let rows = 1;
  while (rows > 0) rows = (await world.sql.query<object[]>(`select 1 from billing_expire_dead(2000, '0')`)).length;
}

function round(value: number): string {
  return Math.round(value).toLocaleString('en');
}

await main();
