import { Client } from 'pg';
import { auditLedger, rowsOf } from '../support/audit.js';
import { chat, prompt, readStream, requestIdOf, type Completion } from '../support/chat.js';
import { createTestDatabase } from '../support/database.js';
import { pollUntil, promised } from '../support/poll.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { unique, World, type TestKey } from '../support/world.js';

/** A lease ends 30 s after its process died; the sweeper then has a few more to go through them. */
const EXPIRED_WITHIN_MS = promised(45_000);
/** Outcomes left by a crash are settled within five seconds of the next readiness. */
const SETTLED_WITHIN_MS = 5_000;

/** What a caller holds in its hands after a whole answer: the promise that it will be charged exactly so. */
interface Receipt {
  requestId: string;
  creditsUsed: string;
}

async function query<T extends object>(url: string, text: string): Promise<T[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(text)).rows;
  } finally {
    await client.end();
  }
}

async function booksOf(url: string): Promise<string[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await auditLedger(rowsOf(client));
  } finally {
    await client.end();
  }
}

function openFreezes(url: string): Promise<{ id: string }[]> {
  return query<{ id: string }>(url, 'select id from wallet_freeze where ended_at is null');
}

async function untilNoneIsOpen(url: string, timeoutMs: number): Promise<void> {
  const none = async (): Promise<true | null> => ((await openFreezes(url)).length === 0 ? true : null);
  await pollUntil(none, 'every freeze to end', timeoutMs);
}

/** Calls until the gateway is gone; whole answers leave a receipt. */
async function callUntilDead(url: string, key: string, models: readonly string[], first: number): Promise<Receipt[]> {
  const receipts: Receipt[] = [];
  for (let at = first; ; at += 1) {
    try {
      const stream = at % 2 === 0;
      const response = await chat(url, prompt(models[at % models.length], { stream }), { key });
      const requestId = requestIdOf(response);
      if (stream) {
        const answer = await readStream(response);
        if (answer.done) receipts.push({ requestId, creditsUsed: answer.metadata?.billing.credits_used ?? '' });
      } else {
        const body = (await response.json()) as Completion;
        receipts.push({ requestId, creditsUsed: body.metadata.billing.credits_used });
      }
    } catch {
      return receipts;
    }
  }
}

describe('kill -9 in the middle of everything', () => {
  let world: World;
  let keys: TestKey[];
  beforeAll(async () => {
    world = await World.create();
    keys = await Promise.all([1, 2, 3, 4].map(() => world.key()));
  });
  afterAll(() => world.destroy());

  it('loses no whole answer, leaves nothing frozen, and the books are right', async () => {
    const behaviours = ['ok-n20-p10', 'slow-tokens-d5-n20-p10', 'usage-absent-n20', 'slow-headers-d40-n5'];
    const models = await Promise.all(behaviours.map((behaviour) => world.model({ behaviours: [behaviour] })));
    const names = models.map((model) => model.key);
    const callers = Array.from({ length: 24 }, (_, at) =>
      callUntilDead(world.url, keys[at % keys.length]?.key ?? '', names, at),
    );
    const busy = async (): Promise<true | null> => {
      const [row] = await query<{ served: number }>(
        world.database.url,
        'select count(*)::int as served from wallet_freeze',
      );
      return (row?.served ?? 0) > 150 ? true : null;
    };
    await pollUntil(busy, 'some load');
    await world.gateway.stop('SIGKILL');
    const receipts = (await Promise.all(callers)).flat();
    expect(receipts.length).toBeGreaterThan(50);

    await world.restart();
    const readyAtMs = Date.now();
    for (const receipt of receipts) {
      const leftMs = Math.max(500, readyAtMs + promised(SETTLED_WITHIN_MS) - Date.now());
      const usage = await world.admin.settled(receipt.requestId, leftMs);
      expect(usage).toMatchObject({ status: 'settled', credits_used: receipt.creditsUsed, shortfall: '0.000000' });
    }
    await untilNoneIsOpen(world.database.url, EXPIRED_WITHIN_MS);
    expect(await booksOf(world.database.url)).toEqual([]);
    const response = await chat(world.url, prompt(names[0]), { key: keys[0]?.key ?? '' });
    expect(response.status).toBe(200);
  });
});

describe('a database that goes away while answers are made', () => {
  let world: World;
  let line: TcpProxy;
  let key: TestKey;
  beforeAll(async () => {
    const database = await createTestDatabase();
    line = await TcpProxy.to(database.url);
    world = await World.create({ CAPTURE_RETRY_MS: '2000' }, { database: { url: line.url, drop: database.drop } });
    key = await world.key();
  });
  afterAll(async () => {
    await line.become('open');
    await world.destroy();
    line.close();
  });

  it('ends a stream with an error and without [DONE], a plain call with 503, and heals by itself', async () => {
    const upstreamModel = unique('gate');
    await world.upstream.setBehaviour(upstreamModel, 'held-a3');
    const { key: model } = await world.model({ behaviours: [upstreamModel] });
    const streaming = chat(world.url, prompt(model, { stream: true }), { key: key.key });
    const plain = chat(world.url, prompt(model), { key: key.key });
    await pollUntil(
      async () => ((await query(world.database.url, 'select 1 from wallet_freeze')).length === 2 ? true : null),
      'both freezes',
    );
    const response = await streaming;
    await line.become('refused');
    await world.upstream.setBehaviour(upstreamModel, 'ok');

    const answer = await readStream(response);
    expect(answer.error).toMatchObject({ type: 'upstream_error' });
    expect(answer.done).toBe(false);
    const refused = await plain;
    expect([refused.status, refused.headers.get('retry-after') !== null]).toEqual([503, true]);
    expect((await chat(world.url, prompt(model), { key: key.key })).status).toBe(503);

    await line.become('open');
    const served = async (): Promise<true | null> =>
      (await chat(world.url, prompt(model), { key: key.key })).ok ? true : null;
    await pollUntil(served, 'the gateway to serve again');
    await untilNoneIsOpen(world.database.url, EXPIRED_WITHIN_MS);
    expect(await booksOf(world.database.url)).toEqual([]);
  });
});
