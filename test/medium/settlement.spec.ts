import { newId } from '../../src/platform/ids/index.js';
import type { UsageRecord } from '../../src/billing/index.js';
import { MoneyWorld } from '../support/money-world.js';

describe('outcomes and their settlement', () => {
  let world: MoneyWorld;
  beforeAll(async () => {
    world = await MoneyWorld.start();
  });
  afterAll(async () => {
    expect(await world.audit()).toEqual([]);
    await world.stop();
  });

  async function frozen(credits: bigint, amount: bigint): Promise<{ accountId: string; id: string }> {
    const accountId = await world.account(credits);
    const request = world.freezeRequest(accountId, amount);
    expect(await world.wallets.freeze(request)).toMatchObject({ ok: true });
    return { accountId, id: request.id };
  }
  const usageOf = async (id: string): Promise<UsageRecord | null> => world.usage.find(id);
  const today = async (accountId: string) => (await world.wallets.quotaUsed(accountId, accountId)).dailyMicros;

  it('charges the price and gives the rest of the freeze back', async () => {
    const { accountId, id } = await frozen(1_000n, 300n);
    expect(await world.wallets.capture(accountId, id, world.outcome(60))).toBe('captured');
    expect(await usageOf(id)).toMatchObject({
      status: 'pending',
      frozenMicros: 300n,
      outputTokens: 60,
      settledAt: null,
    });
    await world.settlement.settlePending();
    expect(await world.balance(accountId)).toEqual({ available: 880n, frozen: 0n });
    expect(await today(accountId)).toBe(120n);
    expect(await usageOf(id)).toMatchObject({
      status: 'settled',
      clientRequestId: 'client-1',
      modelKey: 'test/model',
      provider: 'acme',
      outputTokens: 60,
      creditsUsedMicros: 120n,
      creditsChargedMicros: 120n,
      shortfallMicros: 0n,
      usdCostMicros: 1n,
      providerCostUsdMicros: 3n,
      marginUsdMicros: -2n,
      usageSource: 'provider',
    });
  });

  it('takes what is missing from the available credits', async () => {
    const { accountId, id } = await frozen(1_000n, 100n);
    await world.wallets.capture(accountId, id, world.outcome(400));
    await world.settlement.settlePending();
    expect(await world.balance(accountId)).toEqual({ available: 200n, frozen: 0n });
    expect(await usageOf(id)).toMatchObject({
      creditsUsedMicros: 800n,
      creditsChargedMicros: 800n,
      shortfallMicros: 0n,
    });
  });

  it('books what nobody could pay as a shortfall, never as a negative balance', async () => {
    const { accountId, id } = await frozen(150n, 100n);
    await world.wallets.capture(accountId, id, world.outcome(400));
    await world.settlement.settlePending();
    expect(await world.balance(accountId)).toEqual({ available: 0n, frozen: 0n });
    expect(await usageOf(id)).toMatchObject({
      creditsUsedMicros: 800n,
      creditsChargedMicros: 150n,
      shortfallMicros: 650n,
    });
    expect(await today(accountId)).toBe(800n);
  });

  it('shares one short wallet among several overruns in their order', async () => {
    const accountId = await world.account(300n);
    const ids: string[] = [];
    for (let at = 0; at < 3; at++) {
      const request = world.freezeRequest(accountId, 100n);
      await world.wallets.freeze(request);
      ids.push(request.id);
    }
    for (const [at, id] of ids.entries()) await world.wallets.capture(accountId, id, world.outcome(at === 2 ? 10 : 75));
    await world.settlement.settlePending();
    const charged = await Promise.all(ids.map(async (id) => (await usageOf(id))?.creditsChargedMicros));
    expect(charged).toEqual([100n, 100n, 20n]);
    expect(await world.balance(accountId)).toEqual({ available: 80n, frozen: 0n });
  });

  it('charges nothing for a release', async () => {
    const { accountId, id } = await frozen(100n, 100n);
    const outcome = world.outcome(5, { disposition: 'release', reason: 'provider_failed', creditsUsedMicros: '0' });
    await world.wallets.capture(accountId, id, outcome);
    await world.settlement.settlePending();
    expect(await world.balance(accountId)).toEqual({ available: 100n, frozen: 0n });
    expect(await today(accountId)).toBe(0n);
    expect(await usageOf(id)).toMatchObject({ status: 'released', creditsUsedMicros: 0n, marginUsdMicros: -3n });
  });

  it('takes the same outcome twice as one, and refuses a different one', async () => {
    const { accountId, id } = await frozen(100n, 50n);
    const outcome = world.outcome(10);
    expect(await world.wallets.capture(accountId, id, outcome)).toBe('captured');
    expect(await world.wallets.capture(accountId, id, outcome)).toBe('duplicate');
    expect(await world.wallets.capture(accountId, id, world.outcome(11))).toBe('drift');
    await world.settlement.settlePending();
    expect(await world.wallets.capture(accountId, id, outcome)).toBe('duplicate');
    expect(await world.wallets.capture(accountId, id, world.outcome(11))).toBe('drift');
    await world.settlement.settlePending();
    expect(await world.balance(accountId)).toEqual({ available: 80n, frozen: 0n });
  });

  it('captures many outcomes at once, also the same one several times', async () => {
    const accountId = await world.account(10_000n);
    const requests = Array.from({ length: 50 }, () => world.freezeRequest(accountId, 10n));
    await Promise.all(requests.map((request) => world.wallets.freeze(request)));
    const outcome = world.outcome(2);
    const results = await Promise.all(
      [...requests, ...requests].map(({ id }) => world.wallets.capture(accountId, id, outcome)),
    );
    expect(results.filter((result) => result === 'captured')).toHaveLength(50);
    expect(results.filter((result) => result === 'duplicate')).toHaveLength(50);
    await expect(world.wallets.capture(accountId, 'gwr_unknown', outcome)).rejects.toMatchObject({ kind: 'internal' });
    await world.settlement.settlePending();
    expect(await world.balance(accountId)).toEqual({ available: 9_800n, frozen: 0n });
  });

  it('changes nothing when it runs twice, or in two places at once', async () => {
    const accountId = await world.account(10_000n);
    const requests = Array.from({ length: 120 }, () => world.freezeRequest(accountId, 10n));
    await Promise.all(requests.map((request) => world.wallets.freeze(request)));
    await Promise.all(requests.map(({ id }) => world.wallets.capture(accountId, id, world.outcome(3))));
    const counts = await Promise.all([1, 2, 3].map(() => world.settlement.settlePending()));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(120);
    expect(await world.settlement.settlePending()).toBe(0);
    expect(await world.balance(accountId)).toEqual({ available: 9_280n, frozen: 0n });
  });

  it('settles while the same wallet is frozen and extended by others, without deadlock', async () => {
    const accountId = await world.account(1_000_000n);
    const settling = new AbortController();
    const settler = (async () => {
      while (!settling.signal.aborted) await world.settlement.settlePending();
    })();
    try {
      await Promise.all(
        Array.from({ length: 300 }, async () => {
          const request = world.freezeRequest(accountId, 100n);
          await world.wallets.freeze(request);
          await world.wallets.extend({
            id: request.id,
            accountId,
            extraMicros: request.amountMicros,
            limits: request.limits,
          });
          await world.wallets.capture(accountId, request.id, world.outcome(40));
        }),
      );
    } finally {
      // Without it a failed case would go on settling for the others.
      settling.abort();
      await settler;
    }
    await world.settlement.settlePending();
    expect(await world.balance(accountId)).toEqual({ available: 1_000_000n - 300n * 80n, frozen: 0n });
  });

  it('expires freezes of a process whose lease is over, and takes a late outcome as a shortfall', async () => {
    const { accountId, id } = await frozen(100n, 60n);
    await world.sql.query('update wallet_freeze set process_id = $1 where id = $2', [newId(), id]);
    expect(await expireDead(world)).toBe(1);
    expect(await expireDead(world)).toBe(0);
    expect(await world.balance(accountId)).toEqual({ available: 100n, frozen: 0n });
    expect(await today(accountId)).toBe(0n);
    expect(await usageOf(id)).toMatchObject({ status: 'expired', creditsUsedMicros: 0n, usageSource: 'unavailable' });

    const outcome = world.outcome(25);
    expect(await world.wallets.capture(accountId, id, outcome)).toBe('late');
    expect(await world.wallets.capture(accountId, id, outcome)).toBe('duplicate');
    await world.settlement.settlePending();
    expect(await world.wallets.capture(accountId, id, outcome)).toBe('duplicate');
    await world.settlement.settlePending();
    expect(await world.balance(accountId)).toEqual({ available: 100n, frozen: 0n });
    expect(await today(accountId)).toBe(50n);
    expect(await usageOf(id)).toMatchObject({
      status: 'expired',
      outputTokens: 25,
      provider: 'acme',
      creditsUsedMicros: 50n,
      creditsChargedMicros: 0n,
      shortfallMicros: 50n,
    });
  });

  it('leaves the freezes of living processes alone', async () => {
    const { accountId } = await frozen(100n, 60n);
    expect(await expireDead(world)).toBe(0);
    expect(await world.balance(accountId)).toEqual({ available: 40n, frozen: 60n });
  });

  it('gives a freeze back by hand; an outcome after that is a shortfall', async () => {
    const { accountId, id } = await frozen(100n, 60n);
    expect(await world.settlement.release(accountId, id)).toBe(true);
    expect(await world.settlement.release(accountId, id)).toBe(false);
    expect(await world.wallets.capture(accountId, id, world.outcome(5))).toBe('late');
    await world.settlement.settlePending();
    expect(await world.balance(accountId)).toEqual({ available: 100n, frozen: 0n });
    expect(await usageOf(id)).toMatchObject({ status: 'released', shortfallMicros: 10n, creditsChargedMicros: 0n });
  });

  it.each([
    ['a price that was not the calculated one', { creditsUsedMicros: '7' }],
    [
      'tokens that are no count',
      {
        usage: { inputTokens: -1, outputTokens: 0, cachedInputTokens: 0, cachedOutputTokens: 0 },
        creditsUsedMicros: '0',
      },
    ],
    ['an unknown disposition', { disposition: 'perhaps' as 'charge' }],
  ])('releases an outcome that fails ten times: %s', async (_what, changes) => {
    const poison = await frozen(100n, 60n);
    const healthy = await frozen(100n, 60n);
    await world.wallets.capture(poison.accountId, poison.id, { ...world.outcome(5), ...changes });
    await world.wallets.capture(healthy.accountId, healthy.id, world.outcome(5));
    for (let attempt = 1; attempt <= 10; attempt++) {
      await world.settlement.settlePending();
      expect(await usageOf(healthy.id)).toMatchObject({ status: 'settled', creditsChargedMicros: 10n });
      expect(await usageOf(poison.id)).toMatchObject({ status: attempt < 10 ? 'pending' : 'failed' });
      await makeDue(world);
    }
    expect(await world.balance(poison.accountId)).toEqual({ available: 100n, frozen: 0n });
    expect(await today(poison.accountId)).toBe(0n);
    const freeze = await world.wallets.findFreeze(poison.accountId, poison.id);
    expect(freeze).toMatchObject({ state: 'released', settleAttempts: 10 });
    expect(freeze?.settleError).toContain('UnsettleableOutcome');
  });

  it('counts one attempt when workers fail on the same outcome at once', async () => {
    const { accountId, id } = await frozen(100n, 60n);
    await world.wallets.capture(accountId, id, world.outcome(5, { creditsUsedMicros: '11' }));
    await Promise.all([1, 2, 3].map(() => world.settlement.settlePending()));
    expect(await world.wallets.findFreeze(accountId, id)).toMatchObject({ state: 'captured', settleAttempts: 1 });
    await world.settlement.release(accountId, id);
  });

  it('isolates a member that the database refuses', async () => {
    const poison = await frozen(100n, 60n);
    const healthy = await frozen(100n, 60n);
    await world.wallets.capture(poison.accountId, poison.id, world.outcome(5));
    await world.wallets.capture(healthy.accountId, healthy.id, world.outcome(5));
    await world.sql.query(
      `insert into platform_shortfall (account_id, request_id, tier, amount) values ($1, $2, 'standard', 1)`,
      [poison.accountId, poison.id],
    );
    await world.sql.query(`select wallet_credit($1, 'standard', 'adjust', -40, 'drain', 'x')`, [poison.accountId]);
    await world.sql.query(`update wallet_freeze set outcome = $1 where id = $2`, [world.outcome(90), poison.id]);
    await world.settlement.settlePending();
    expect(await usageOf(healthy.id)).toMatchObject({ status: 'settled' });
    expect(await usageOf(poison.id)).toMatchObject({ status: 'pending' });
    await world.sql.query('delete from platform_shortfall where request_id = $1', [poison.id]);
    await makeDue(world);
    await world.settlement.settlePending();
    expect(await usageOf(poison.id)).toMatchObject({
      status: 'settled',
      creditsChargedMicros: 60n,
      shortfallMicros: 120n,
    });
  });

  it('does not try a failing outcome again before its pause is over', async () => {
    const { accountId, id } = await frozen(100n, 60n);
    await world.wallets.capture(accountId, id, world.outcome(5, { creditsUsedMicros: '7' }));
    await world.settlement.settlePending();
    await world.settlement.settlePending();
    expect(await world.wallets.findFreeze(accountId, id)).toMatchObject({ settleAttempts: 1 });
    await world.settlement.release(accountId, id);
  });
});

/** Expires what is dead now; the grace time after a start of the database is not the subject here. */
async function expireDead(world: MoneyWorld): Promise<number> {
  return (await world.sql.query<object[]>(`select * from billing_expire_dead(500, interval '0')`)).length;
}

async function makeDue(world: MoneyWorld): Promise<void> {
  await world.sql.query('update wallet_freeze set retry_at = null where retry_at is not null');
}
