import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { Roller } from '../../src/analytics/jobs/roller.js';
import { AdminClient } from '../support/admin.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { GatewayProcess } from '../support/gateway.js';
import { MoneyWorld } from '../support/money-world.js';
import { startOwnPostgres } from './postgres.js';
import { listCases, summaryCases, type Busiest, type UsageCase } from './usage-cases.js';
import { fillUsage, rolledInBulk } from './usage-records.js';

const USAGE = `npm run bench:usage -- [--records 10000000] [--rounds 7] [--database-url <url>] [--keep] [--filled <url>]

Fills a database with so many usage records of a year, rolls them up as the workers do, compares sums with the records, and
times summaries and lists of a gateway over HTTP: median and worst of each. Exits with 1 when a median is above 100 ms or a sum
is wrong. Ten million records need about 25 GB of disk.

  --database-url  a server with the right to create databases and to be superuser; an embedded one of its own otherwise
  --keep          leaves the database on the server that was given
  --filled        measures a database that was kept before`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      records: { type: 'string', default: '10000000' },
      rounds: { type: 'string', default: '7' },
      'database-url': { type: 'string' },
      filled: { type: 'string' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(USAGE);
  const [records, rounds] = [Number(values.records), Number(values.rounds)];
  if (!Number.isSafeInteger(records) || records < 1_000)
    throw new Error('--records must be a whole number from 1000 on');
  if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error('--rounds must be a whole number of at least 1');
  if (values.keep && values['database-url'] === undefined)
    throw new Error('--keep needs --database-url: the embedded server goes with the run');
  if (values.filled !== undefined) return measure(values.filled, rounds);
  const own = values['database-url'] === undefined ? await startOwnPostgres() : null;
  process.env['TEST_DATABASE_URL'] = own?.url ?? values['database-url'];
  try {
    const database = await createTestDatabase();
    await fill(database, records);
    await measure(database.url, rounds);
    if (values.keep) print(`the database is kept: ${new URL(database.url).pathname.slice(1)}`);
    else await database.drop();
  } finally {
    await own?.stop();
  }
}

async function fill(database: TestDatabase, records: number): Promise<void> {
  const sql = await connected(database.url);
  const world = await MoneyWorld.start({ database });
  try {
    await timed('filled', () => fillUsage(sql, { records }, (step) => void process.stderr.write(`${step}\n`)));
    await timed('rolled up', () => rolledInBulk(sql, () => world.app.get(Roller, { strict: false }).roll()));
  } finally {
    await world.stop();
    await sql.end();
  }
}

async function measure(url: string, rounds: number): Promise<void> {
  const sql = await connected(url);
  const gateway = await GatewayProcess.start({ databaseUrl: url, env: { WORKERS_ENABLED: 'false' } });
  try {
    const admin = new AdminClient(gateway.url);
    print(`size                 ${await textOf(sql, 'select pg_size_pretty(pg_database_size(current_database()))')}`);
    print(`records, rollup rows ${await textOf(sql, COUNTS)}`);
    await compare(sql, admin);
    const nowMs = Date.now();
    const busiest = await busiestOf(sql);
    const deep = await textOf(sql, 'select request_id from usage_record order by request_id offset 1000 limit 1');
    const cursor = Buffer.from(deep).toString('base64url');
    const cases = [...summaryCases(busiest, nowMs), ...listCases(busiest, cursor, nowMs)];
    let slow = 0;
    for (const one of cases) slow += (await time(admin, one, rounds)) ? 0 : 1;
    print(slow === 0 ? `all ${cases.length.toString()} within their limits` : `${slow.toString()} above their limits`);
    if (slow > 0) process.exitCode = 1;
    await exportFile(admin);
  } finally {
    await gateway.stop();
    await sql.end();
  }
}

const COUNTS = `select (select reltuples::bigint from pg_class where relname = 'usage_record') || ', '
  || (select reltuples::bigint from pg_class where relname = 'usage_rollup')`;

async function busiestOf(sql: Client): Promise<Busiest> {
  const most = (column: string): Promise<string> =>
    textOf(
      sql,
      `select ${column}::text from (select * from usage_record order by request_id desc limit 100000) u
        where ${column} is not null group by 1 order by count(*) desc limit 1`,
    );
  return {
    keyId: await most('api_key_id'),
    accountId: await most('account_id'),
    model: await most('model_key'),
    provider: await most('provider'),
  };
}

/** Sums of days at the ends and in the middle, in another zone: what the gateway says beside the records themselves. */
async function compare(sql: Client, admin: AdminClient): Promise<void> {
  const edges = `select min(created_at) as first, max(created_at) as last from usage_record`;
  const { rows } = await sql.query<{ first: Date; last: Date }>(edges);
  const [first, last] = [rows[0]?.first.getTime() ?? 0, rows[0]?.last.getTime() ?? 0];
  for (const share of [0, 0.31, 0.77, 1]) {
    const fromMs = Math.round(first + (last - first) * share - 36 * 3_600_000 - 61_007);
    const [from, to] = [new Date(fromMs), new Date(fromMs + 72 * 3_600_000)];
    const query = `group_by=day,tier&time_zone=Asia/Kolkata&from=${from.toISOString()}&to=${to.toISOString()}`;
    const { data } = await admin.get<{ data: Row[] }>(`/usage/summary?${query}`);
    const counted = await sql.query<Row>(COUNTED, [from, to]);
    const [said, true_] = [data, counted.rows].map((list) => list.map(lineOf).sort().join('\n'));
    if (said === true_) continue;
    print(`sums of ${query} differ from the records:\n${said ?? ''}\n${true_ ?? ''}`);
    process.exitCode = 1;
  }
}

interface Row {
  day: string;
  tier: string;
  requests: number;
  output_tokens: number;
  credits_charged: string;
}

const COUNTED = `select to_char(at at time zone 'Asia/Kolkata', 'YYYY-MM-DD') as day, tier, count(*)::integer as requests,
    sum(output_tokens)::integer as output_tokens, (sum(credits_charged) / 1e6)::numeric(30, 6)::text as credits_charged
  from (select *, to_timestamp(('x' || substr(request_id, 5, 12))::bit(48)::bigint / 1000.0) as at from usage_record
    where request_id >= 'gwr_' || lpad(to_hex((extract(epoch from $1::timestamptz) * 1000)::bigint), 12, '0')
      and request_id < 'gwr_' || lpad(to_hex((extract(epoch from $2::timestamptz) * 1000)::bigint), 12, '0')) u
  group by 1, 2`;

function lineOf({ day, tier, requests, output_tokens: tokens, credits_charged: credits }: Row): string {
  return `${day} ${tier} ${requests.toString()} ${tokens.toString()} ${credits}`;
}

/** @returns whether its median is within the limit. */
async function time(admin: AdminClient, { name, path, limitMs }: UsageCase, rounds: number): Promise<boolean> {
  const times: number[] = [];
  // The first one warms the caches of the database.
  for (let round = 0; round <= rounds; round += 1) {
    const startedMs = performance.now();
    const response = await admin.send('GET', path);
    const text = await response.text();
    times.push(performance.now() - startedMs);
    if (response.status !== 200) throw new Error(`${name}: ${response.status.toString()} ${text}`);
  }
  const warm = times.slice(1).sort((left, right) => left - right);
  const median = warm[Math.floor(warm.length / 2)] ?? 0;
  const isRight = limitMs === undefined || median <= limitMs;
  const figures = [median, warm.at(-1) ?? 0, times[0] ?? 0].map((ms) => ms.toFixed(1).padStart(8));
  print(
    `${name.padEnd(52)} median ${figures[0] ?? ''} worst ${figures[1] ?? ''} first ${figures[2] ?? ''} ms${isRight ? '' : ' ABOVE'}`,
  );
  return isRight;
}

const EXPORT_MAX_MS = 10_000;

/** The file of all records, for ten seconds: when it begins and how fast it goes on. */
async function exportFile(admin: AdminClient): Promise<void> {
  const startedMs = performance.now();
  const response = await admin.send('GET', '/usage?format=csv');
  let [firstMs, bytes] = [0, 0];
  for await (const chunk of response.body ?? []) {
    if (bytes === 0) firstMs = performance.now() - startedMs;
    bytes += (chunk as Uint8Array).byteLength;
    if (performance.now() - startedMs > EXPORT_MAX_MS) break;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  print(`CSV of all records   first byte after ${firstMs.toFixed(0)} ms, ${(bytes / seconds / 1e6).toFixed(1)} MB/s`);
}

async function connected(url: string): Promise<Client> {
  const sql = new Client({ connectionString: url });
  await sql.connect();
  return sql;
}

async function textOf(sql: Client, query: string): Promise<string> {
  const { rows } = await sql.query<string[]>({ text: query, rowMode: 'array' });
  return rows[0]?.[0] ?? '';
}

async function timed(what: string, work: () => Promise<void>): Promise<void> {
  const startedMs = performance.now();
  await work();
  print(`${what.padEnd(20)} ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main();
