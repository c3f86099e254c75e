import { Client } from 'pg';
import { auditDatabase } from '../support/audit.js';
import { chat, prompt, requestIdOf } from '../support/chat.js';
import { createTestDatabase } from '../support/database.js';
import { GatewayProcess } from '../support/gateway.js';
import { pollUntil } from '../support/poll.js';
import { ShiftedClock } from '../support/shifted-clock.js';
import { World, type KeyOptions, type TestKey } from '../support/world.js';

/** Two gateways and two workers on one database, whose clock the tests can move. */
const REQUESTS = 300;
/** Longer than it takes to decide about all of them: credits that come back would let more in. */
const ANSWER_MS = 15_000;
const FITTING = 37;
const TRIES_MAX = 5;
/** 10 input tokens at 200 and 20 output tokens at 900 credits a million. */
const PRICE_MICROS = 20_000;
const MICROS_PER_CREDIT = 1_000_000;

let world: World;
let other: GatewayProcess;
let workers: GatewayProcess[];
let clock: ShiftedClock;
let sql: Client;
let model: string;
/** What one request freezes, micro-credits. */
let freezeMicros: number;

beforeAll(async () => {
  const database = await createTestDatabase();
  clock = await ShiftedClock.on(database);
  await clock.set('2027-03-02 23:59:30Z');
  const env = { WORKERS_ENABLED: 'false' };
  world = await World.create(env, { database });
  other = await world.startAnother();
  workers = await Promise.all([1, 2].map(() => GatewayProcess.start({ databaseUrl: database.url, entry: 'worker' })));
  sql = new Client({ connectionString: database.url });
  await sql.connect();
  const slow = `slow-headers-d${ANSWER_MS.toString()}-n20-p10`;
  model = (await world.model({ behaviours: [slow] })).key;
  freezeMicros = await freezeOf(await world.key());
}, 120_000);
afterAll(async () => {
  expect(await auditDatabase(world.database.url)).toEqual([]);
  await Promise.all(workers.map((worker) => worker.stop()));
  await other.stop();
  await sql.end();
  await clock.close();
  await world.destroy();
}, 60_000);

function send(key: TestKey, at: number, signal?: AbortSignal): Promise<Response> {
  const url = at % 2 === 0 ? world.url : other.url;
  return chat(url, prompt(model, { max_tokens: 60 }), { key: key.key, ...(signal === undefined ? {} : { signal }) });
}

/** Sends again what a machine that is too busy has not decided about. */
async function sendUntilDecided(key: TestKey, at: number): Promise<number> {
  for (let tries = 0; ; tries += 1) {
    const { status } = await send(key, at);
    if (status !== 503 || tries === TRIES_MAX) return status;
  }
}

/** Lets one request freeze, and leaves. */
async function freezeOf(key: TestKey): Promise<number> {
  const leaving = new AbortController();
  const answer = send(key, 0, leaving.signal).catch(() => null);
  const [amount] = await pollUntil(async () => ((await amounts(key)).length > 0 ? amounts(key) : null), 'a freeze');
  leaving.abort();
  await answer;
  return amount ?? 0;
}

async function amounts(key: TestKey): Promise<number[]> {
  const { rows } = await sql.query<{ amount: string }>('select amount from wallet_freeze where api_key_id = $1', [
    key.id,
  ]);
  return rows.map(({ amount }) => Number(amount));
}

/** A decimal amount that holds so many freezes and not one more. */
function limitFor(freezes: number): string {
  return ((freezes * freezeMicros + freezeMicros - 1) / MICROS_PER_CREDIT).toFixed(6);
}

/** A balance of so many freezes; what is over would be enough for one more answer with a lower maximum. */
function creditsFor(freezes: number): string {
  return ((freezes * freezeMicros) / MICROS_PER_CREDIT).toFixed(6);
}

/** A key that both gateways know, as they know the model: another process needs up to a second. */
async function knownKey(options: KeyOptions): Promise<TestKey> {
  const key = await world.key(options);
  const known = async (): Promise<true | null> => {
    const answer = await fetch(`${other.url}/openai/v1/models`, { headers: { authorization: `Bearer ${key.key}` } });
    return (await answer.text()).includes(model) ? true : null;
  };
  await pollUntil(known, 'the other gateway to know the key and the model');
  return key;
}

/** A jump of days ends every lease; the living renew theirs within seconds. */
async function leasesRenewed(): Promise<void> {
  const living = async (): Promise<true | null> =>
    (await sql.query('select 1 from process_lease where lease_until > now()')).rowCount === 4 ? true : null;
  await pollUntil(living, 'all four processes to renew their leases', 15_000);
}

async function untilSettled(key: TestKey): Promise<void> {
  const open = 'select 1 from wallet_freeze where api_key_id = $1 and ended_at is null limit 1';
  const none = async (): Promise<true | null> => ((await sql.query(open, [key.id])).rowCount === 0 ? true : null);
  await pollUntil(none, 'every freeze to be settled', 40_000);
}

async function usedOn(key: TestKey, day: string): Promise<number> {
  const { rows } = await sql.query<{ used: string }>('select used from quota_day where api_key_id = $1 and day = $2', [
    key.id,
    day,
  ]);
  return Number(rows[0]?.used ?? 0);
}

it.each([
  ['a wallet', (): KeyOptions => ({ credits: { standard: creditsFor(FITTING) } })],
  ['a daily quota', (): KeyOptions => ({ fields: { limit_daily: limitFor(FITTING) } })],
  ['a weekly quota', (): KeyOptions => ({ fields: { limit_weekly: limitFor(FITTING) } })],
])(
  'hundreds of parallel requests on both gateways: %s admits exactly what it holds',
  async (_what, options) => {
    const key = await knownKey(options());
    const statuses = await Promise.all(Array.from({ length: REQUESTS }, (_, at) => sendUntilDecided(key, at)));
    const count = (wanted: number): number => statuses.filter((status) => status === wanted).length;
    expect(new Set(statuses)).toEqual(new Set([200, 402]));
    expect([count(200), count(402)]).toEqual([FITTING, REQUESTS - FITTING]);
    await untilSettled(key);
    expect((await world.admin.wallet(key.accountId, 'standard')).frozen).toBe('0.000000');
  },
  120_000,
);

it('a daily quota rolls over while requests are in flight, which stay in the window of their freeze', async () => {
  const key = await knownKey({ fields: { limit_daily: limitFor(5) } });
  await clock.set('2027-03-04 23:59:50Z');
  await leasesRenewed();
  // Back a little: leases that were long enough are longer now, and midnight is near.
  await clock.set('2027-03-04 23:59:56Z');
  const before = Array.from({ length: 5 }, (_, at) => send(key, at));
  await pollUntil(async () => ((await amounts(key)).length === 5 ? true : null), 'five freezes');
  expect((await send(key, 0)).status).toBe(402);
  expect((await send(key, 1)).status).toBe(402);
  await clock.set('2027-03-05 00:00:00.5Z');
  const after = await Promise.all(Array.from({ length: 40 }, (_, at) => send(key, at)));
  expect(after.filter(({ status }) => status === 200)).toHaveLength(5);
  for (const answer of await Promise.all(before)) {
    expect(answer.status).toBe(200);
    expect(await world.admin.settled(requestIdOf(answer))).toMatchObject({ status: 'settled' });
  }
  await untilSettled(key);
  expect(await usedOn(key, '2027-03-04')).toBe(5 * PRICE_MICROS);
  expect(await usedOn(key, '2027-03-05')).toBe(5 * PRICE_MICROS);
}, 120_000);
