import { Client } from 'pg';
import { auditLedger, rowsOf } from '../support/audit.js';
import { chat, chatStream, prompt, requestIdOf, type Completion } from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import { World, type TestKey } from '../support/world.js';

/** Wallets and quotas under one request and under hundreds at once. */
let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world.destroy());

async function withDatabase<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: world.database.url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Waits until no freeze is open. */
async function allSettled(): Promise<void> {
  await withDatabase(async (client) => {
    const open = async (): Promise<true | null> =>
      (await client.query('select 1 from wallet_freeze where ended_at is null limit 1')).rowCount === 0 ? true : null;
    await pollUntil(open, 'every freeze to end');
  });
}

describe('hundreds of requests at once', () => {
  it('leave every balance equal to its ledger, nothing frozen, and every credit accounted for', async () => {
    const behaviours = [
      'ok-n20-p10',
      'status-500',
      'usage-absent',
      'cut-a3',
      'cached-tokens',
      'status-429',
      'ok-n300-p9',
    ];
    const models = await Promise.all(behaviours.map((behaviour) => world.model({ behaviours: [behaviour] })));
    const keys = await Promise.all([1, 2, 3].map(() => world.key({ credits: { standard: '3' } })));
    const calls = Array.from({ length: 400 }, async (_, at) => {
      const model = models[at % models.length]?.key ?? '';
      const caller = keys[at % keys.length]?.key ?? '';
      const leaving = new AbortController();
      const body = prompt(model, { stream: at % 2 === 0, max_tokens: 30 });
      const response = await chat(world.url, body, { key: caller, signal: leaving.signal });
      // Every eleventh caller leaves in the middle.
      if (at % 11 === 0) leaving.abort();
      else await response.text().catch(() => undefined);
      return response.status;
    });
    const statuses = await Promise.all(calls);
    expect(new Set(statuses)).toEqual(new Set([200, 402, 429, 502, 503]));
    await allSettled();
    expect(await withDatabase((client) => auditLedger(rowsOf(client)))).toEqual([]);
    for (const { accountId } of keys) {
      expect((await world.admin.wallet(accountId, 'standard')).frozen).toBe('0.000000');
    }
  });

  it('cannot spend more than the wallet holds', async () => {
    const poor = await world.key({ credits: { standard: '0.1' } });
    const { key: model } = await world.model({ behaviours: ['ok-n20-p10'] });
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => chat(world.url, prompt(model, { max_tokens: 20 }), { key: poor.key })),
    );
    const served = answers.filter(({ status }) => status === 200).length;
    expect(answers.every(({ status }) => status === 200 || status === 402)).toBe(true);
    expect(served).toBeGreaterThanOrEqual(3);
    expect(served).toBeLessThanOrEqual(5);
  });

  it('cannot pass a daily quota together', async () => {
    const limited = await world.key({ fields: { limit_daily: '0.1' } });
    const { key: model } = await world.model({ behaviours: ['ok-n20-p10'] });
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => chat(world.url, prompt(model, { max_tokens: 20 }), { key: limited.key })),
    );
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(5);
    await allSettled();
    const used = await withDatabase(async (client) => {
      const { rows } = await client.query<{ used: string }>('select used from quota_day where api_key_id = $1', [
        limited.id,
      ]);
      return Number(rows[0]?.used);
    });
    expect(used).toBeLessThanOrEqual(100_000);
    expect(used).toBeGreaterThan(0);
  });
});

describe('a wallet that is too low', () => {
  /** One model a tier; the premium one is the best. */
  let poor: TestKey;
  beforeAll(async () => {
    await world.model({ tier: 'premium', fields: { mci_score: 95 } });
    await world.model({ tier: 'economy', fields: { mci_score: 20 } });
    poor = await world.key({ credits: { premium: '0.000002', economy: '5' } });
  });

  it('lets auto fall back to a tier that can pay, and says so', async () => {
    const response = await chat(world.url, prompt('auto'), { key: poor.key });
    expect(response.status).toBe(200);
    const { metadata } = (await response.json()) as Completion;
    expect(metadata.tier).toBe('economy');
    await world.admin.settled(requestIdOf(response));
    expect(await world.admin.wallet(poor.accountId, 'premium')).toMatchObject({ available: '0.000002' });
    if (metadata.routing.fallback_from !== undefined) expect(metadata.routing.fallback_from).toBe('premium');
  });

  it('never leaves a tier that was asked for, and never an allowed one', async () => {
    expect((await chat(world.url, prompt('auto', { tier: 'premium' }), { key: poor.key })).status).toBe(402);
    const policy = { allowed_tiers: ['premium', 'standard'] };
    const narrow = await world.key({ credits: { premium: '0.000002', economy: '5' }, policy });
    expect((await chat(world.url, prompt('auto'), { key: narrow.key })).status).toBe(402);
  });
});

describe('a long stream', () => {
  it('freezes little at first and grows with its output', async () => {
    const rich = await world.key({ credits: { standard: '100' } });
    const { key: model } = await world.model({ behaviours: ['ok-n3000-p10'] });
    const answer = await chatStream(world.url, prompt(model, { max_tokens: 8000 }), { key: rich.key });
    expect(answer.done).toBe(true);
    const usage = await world.admin.settled(requestIdOf(answer.response));
    expect(usage).toMatchObject({ status: 'settled', output_tokens: 3000, shortfall: '0.000000' });
    const { data } = await world.admin.get<{ data: { kind: string; frozen_delta: string }[] }>(
      `/accounts/${rich.accountId}/wallets/standard/ledger`,
    );
    const kinds = data.map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['top_up', 'freeze', 'extend', 'settle']));
    const first = data.find(({ kind }) => kind === 'freeze');
    expect(Number(first?.frozen_delta)).toBeLessThan(1);
  });

  it('is stopped honestly when the wallet runs dry, and what was delivered is paid', async () => {
    const poor = await world.key({ credits: { standard: '1.2' } });
    const { key: model } = await world.model({ behaviours: ['slow-tokens-d1-n4000-p10'] });
    const answer = await chatStream(world.url, prompt(model, { max_tokens: 8000 }), { key: poor.key });
    const usage = await world.admin.settled(requestIdOf(answer.response));
    expect(usage.status).toBe('settled');
    expect(usage.output_tokens).toBeGreaterThan(500);
    expect(usage.output_tokens).toBeLessThan(2000);
    expect(Number(usage.shortfall)).toBeLessThan(0.2);
    expect(answer.chunks.at(-1)?.choices[0]?.finish_reason).not.toBe('stop');
  });
});
