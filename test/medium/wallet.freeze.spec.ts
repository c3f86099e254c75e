import { newId } from '../../src/platform/ids/index.js';
import { micros } from '../../src/platform/money/index.js';
import type { FreezeResult, KeyLimits } from '../../src/wallet/index.js';
import { MoneyWorld, NO_LIMITS } from '../support/money-world.js';
import { pollUntil } from '../support/poll.js';

describe('freezes', () => {
  let world: MoneyWorld;
  beforeAll(async () => {
    world = await MoneyWorld.start();
  });
  afterAll(async () => {
    expect(await world.audit()).toEqual([]);
    await world.stop();
  });

  const admitted = (results: readonly FreezeResult[]): number => results.filter(({ ok }) => ok).length;
  const freezeAll = (accountId: string, amounts: readonly bigint[], limits: Partial<KeyLimits> = {}) =>
    Promise.all(
      amounts.map((amount) =>
        world.wallets.freeze(world.freezeRequest(accountId, amount, { limits: { ...NO_LIMITS, ...limits } })),
      ),
    );

  it('moves the amount from available to frozen', async () => {
    const accountId = await world.account(1_000n);
    const result = await world.wallets.freeze(world.freezeRequest(accountId, 300n));
    expect(result).toEqual({ ok: true, availableMicros: 700n, frozenMicros: 300n });
    expect(await world.balance(accountId)).toEqual({ available: 700n, frozen: 300n });
  });

  it('admits exactly what fits of 200 parallel freezes on one wallet', async () => {
    const accountId = await world.account(1_000n);
    const results = await freezeAll(accountId, Array<bigint>(200).fill(10n));
    expect(admitted(results)).toBe(100);
    expect(results.filter((result) => !result.ok && result.refusal === 'wallet_too_low')).toHaveLength(100);
    expect(await world.balance(accountId)).toEqual({ available: 0n, frozen: 1_000n });
  });

  it('goes on with smaller members after one that does not fit', async () => {
    const accountId = await world.account(100n);
    const results = await freezeAll(accountId, [1n, 1n, 1n, 50n, 60n, 40n, 7n]);
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true, true, false, true, true]);
    expect(await world.balance(accountId)).toEqual({ available: 0n, frozen: 100n });
  });

  it('serves a batch over many wallets and keys', async () => {
    const accounts = await Promise.all(Array.from({ length: 20 }, () => world.account(50n)));
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, at) =>
        world.wallets.freeze(world.freezeRequest(accounts[at % 20] as string, 10n, { apiKeyId: newId() })),
      ),
    );
    expect(admitted(results)).toBe(100);
  });

  it('says that a wallet is missing, alone and in a batch', async () => {
    const nobody = newId();
    const alone = await world.wallets.freeze(world.freezeRequest(nobody, 1n));
    expect(alone).toMatchObject({ ok: false, refusal: 'wallet_missing', availableMicros: 0n });
    const results = await freezeAll(nobody, Array<bigint>(10).fill(1n));
    expect(results.map((result) => !result.ok && result.refusal)).toEqual(Array(10).fill('wallet_missing'));
  });

  it('fails only the member of a batch that the database refuses', async () => {
    const accountId = await world.account(1_000n);
    const requests = Array.from({ length: 40 }, () => world.freezeRequest(accountId, 1n));
    const broken = { ...(requests[20] as (typeof requests)[0]), modelId: 'not a uuid' };
    requests[20] = broken;
    const results = await Promise.allSettled(requests.map((request) => world.wallets.freeze(request)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(39);
    expect(results[20]?.status).toBe('rejected');
    expect(await world.balance(accountId)).toEqual({ available: 961n, frozen: 39n });
  });

  it('keeps text that jsonb cannot hold from failing a freeze', async () => {
    const accountId = await world.account(10n);
    const facts = { modelKey: 'a\u0000b', odd: '\ud800', literal: '\\u0000' };
    expect(await world.wallets.freeze(world.freezeRequest(accountId, 1n, { facts }))).toMatchObject({ ok: true });
    const [row] = await world.sql.query<{ facts: unknown }[]>('select facts from wallet_freeze where account_id = $1', [
      accountId,
    ]);
    expect(row?.facts).toEqual({ modelKey: 'ab', odd: '\ufffd', literal: '\\u0000' });
  });

  it('holds the daily and the weekly quota of a key against parallel calls', async () => {
    for (const limits of [{ dailyMicros: micros(500n) }, { weeklyMicros: micros(500n) }]) {
      const accountId = await world.account(10_000n);
      const results = await freezeAll(accountId, Array<bigint>(100).fill(10n), limits);
      expect(admitted(results)).toBe(50);
      expect(await world.balance(accountId)).toEqual({ available: 9_500n, frozen: 500n });
      expect(await world.wallets.quotaUsed(accountId, accountId)).toEqual({ dailyMicros: 500n, weeklyMicros: 500n });
    }
  });

  it('counts earlier days of the week towards the weekly quota only', async () => {
    const accountId = await world.account(1_000n);
    // The books of this test's audit hold quota rows against freezes, so the earlier day gets a freeze of its own.
    const [today] = await world.sql.query<{ first: boolean }[]>(
      `select extract(isodow from now() at time zone 'utc') = 1 as first`,
    );
    await freezeAll(accountId, [400n]);
    const moved = `(now() at time zone 'utc')::date - ${today?.first === true ? '7' : '1'}`;
    await world.sql.query(`update wallet_freeze set quota_day = ${moved} where account_id = $1`, [accountId]);
    await world.sql.query(`update quota_day set day = ${moved} where account_id = $1`, [accountId]);
    const limits = { dailyMicros: micros(150n), weeklyMicros: micros(450n) };
    const [result] = await freezeAll(accountId, [100n], limits);
    if (today?.first === true) expect(result).toMatchObject({ ok: true });
    else expect(result).toMatchObject({ ok: false, refusal: 'weekly_quota' });
  });

  it('refuses everything at a limit of zero and names the window', async () => {
    const accountId = await world.account(1_000n);
    expect((await freezeAll(accountId, [1n], { dailyMicros: micros(0n) }))[0]).toMatchObject({
      refusal: 'daily_quota',
    });
    expect((await freezeAll(accountId, [1n], { weeklyMicros: micros(0n) }))[0]).toMatchObject({
      refusal: 'weekly_quota',
    });
    const many = await freezeAll(accountId, Array<bigint>(20).fill(1n), { requestsPerMinute: 0 });
    expect(many.map((result) => !result.ok && result.refusal)).toEqual(Array(20).fill('rate_limit'));
    expect(await world.balance(accountId)).toEqual({ available: 1_000n, frozen: 0n });
  });

  it('holds requests per minute and concurrency exactly, and says when to come back', async () => {
    const rated = await world.account(1_000n);
    const perMinute = await freezeAll(rated, Array<bigint>(60).fill(1n), { requestsPerMinute: 7 });
    expect(admitted(perMinute)).toBe(7);
    const refused = perMinute.find(({ ok }) => !ok);
    expect(refused).toMatchObject({ ok: false, refusal: 'rate_limit' });
    const retryAfterS = refused?.ok === false ? refused.retryAfterS : null;
    expect(retryAfterS).toBeGreaterThanOrEqual(1);
    expect(retryAfterS).toBeLessThanOrEqual(60);

    const concurrent = await world.account(1_000n);
    const results = await freezeAll(concurrent, Array<bigint>(60).fill(1n), { concurrency: 5 });
    expect(admitted(results)).toBe(5);
    const [held] = await world.sql.query<{ id: string }[]>('select id from wallet_freeze where account_id = $1', [
      concurrent,
    ]);
    await world.wallets.capture(concurrent, held?.id ?? '', world.outcome(0));
    expect(admitted(await freezeAll(concurrent, [1n, 1n, 1n], { concurrency: 5 }))).toBe(1);
  });

  it('treats a lone caller and a batch by the same rules', async () => {
    const [alone, batched] = [await world.account(100n), await world.account(100n)];
    const limits = { ...NO_LIMITS, dailyMicros: micros(90n), requestsPerMinute: 6 };
    const amounts = [30n, 80n, 40n, 25n, 20n, 1n, 1n, 1n, 1n, 1n];
    const one: FreezeResult[] = [];
    for (const amount of amounts) one.push(await world.wallets.freeze(world.freezeRequest(alone, amount, { limits })));
    const blockers = await world.account(10n);
    // Two lone callers take both lanes, so that the others share the next statement.
    const lanes = [world.freezeRequest(blockers, 1n), world.freezeRequest(blockers, 1n)];
    const [, , ...many] = await Promise.all(
      [...lanes, ...amounts.map((amount) => world.freezeRequest(batched, amount, { limits }))].map((request) =>
        world.wallets.freeze(request),
      ),
    );
    const shape = (result: FreezeResult) => (result.ok ? 'ok' : result.refusal);
    expect(many.map(shape)).toEqual(one.map(shape));
    expect(await world.balance(batched)).toEqual(await world.balance(alone));
  });

  it('extends a held freeze within the wallet and the quota, all or nothing', async () => {
    const accountId = await world.account(1_000n);
    const request = world.freezeRequest(accountId, 100n);
    await world.wallets.freeze(request);
    const extend = (extra: bigint, limits: Partial<KeyLimits> = {}) =>
      world.wallets.extend({
        id: request.id,
        accountId,
        extraMicros: micros(extra),
        limits: { ...NO_LIMITS, ...limits },
      });
    expect(await extend(200n)).toMatchObject({ ok: true, frozenMicros: 300n });
    expect(await extend(701n)).toMatchObject({ ok: false, refusal: 'wallet_too_low', frozenMicros: 300n });
    expect(await extend(101n, { dailyMicros: micros(400n) })).toMatchObject({ ok: false, refusal: 'daily_quota' });
    expect(await extend(101n, { weeklyMicros: micros(400n) })).toMatchObject({ ok: false, refusal: 'weekly_quota' });
    expect(await extend(100n, { weeklyMicros: micros(400n) })).toMatchObject({ ok: true, frozenMicros: 400n });
    await world.wallets.capture(accountId, request.id, world.outcome(1));
    expect(await extend(1n)).toMatchObject({ ok: false, refusal: 'freeze_ended' });
    expect(await world.balance(accountId)).toEqual({ available: 600n, frozen: 400n });
  });

  it('keeps hints from refusing: a top-up elsewhere is seen by the next request', async () => {
    const accountId = await world.account(10n);
    await world.wallets.freeze(world.freezeRequest(accountId, 10n));
    expect(await world.wallets.hasBalance(accountId, 'standard')).toBe(false);
    expect(await world.wallets.hasBalance(newId(), 'premium')).toBe(false);
    await world.sql.query(`select wallet_credit($1, 'standard', 'top_up', 5, 'elsewhere', 'x')`, [accountId]);
    await pollUntil(
      async () => ((await world.wallets.hasBalance(accountId, 'standard')) ? true : null),
      'the row to be read again',
    );
    const asked = Array.from({ length: 10 }, () => world.wallets.hasBalance(accountId, 'standard'));
    expect(await Promise.all(asked)).toEqual(Array(10).fill(true));
  });
});
