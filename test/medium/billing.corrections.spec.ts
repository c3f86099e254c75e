import { newId } from '../../src/platform/ids/index.js';
import type { CorrectionRequest } from '../../src/billing/index.js';
import { usdMicros } from '../../src/platform/money/index.js';
import { MoneyWorld } from '../support/money-world.js';

describe('corrections of settled requests', () => {
  let world: MoneyWorld;
  beforeAll(async () => {
    world = await MoneyWorld.start();
  });
  afterAll(async () => {
    expect(await world.audit()).toEqual([]);
    await world.stop();
  });

  /** A request that was charged for output tokens at two micro-credits each. */
  async function settled(credits: bigint, outputTokens: number): Promise<{ accountId: string; id: string }> {
    const accountId = await world.account(credits);
    const request = world.freezeRequest(accountId, 100n);
    await world.wallets.freeze(request);
    await world.wallets.capture(accountId, request.id, world.outcome(outputTokens));
    await world.settlement.settlePending();
    return { accountId, id: request.id };
  }

  function correction(requestId: string, changes: Partial<CorrectionRequest> = {}): CorrectionRequest {
    return {
      requestId,
      tokens: { outputTokens: 30 },
      reason: 'wrong',
      actor: 'ada',
      idempotencyKey: newId(),
      ...changes,
    };
  }

  async function price(outputPerMtok: bigint, modelId = world.modelId): Promise<string> {
    const id = newId();
    await world.sql.query(
      `insert into model_price (id, model_id, version, input_per_mtok, output_per_mtok, cache_read_per_mtok, cache_write_per_mtok)
        values ($1, $2, (select coalesce(max(version), 0) + 1 from model_price where model_id = $2), 0, $3, 0, 0)`,
      [id, modelId, outputPerMtok.toString()],
    );
    return id;
  }

  const today = async (accountId: string) => (await world.wallets.quotaUsed(accountId, accountId)).dailyMicros;

  it('give the charge back as one ledger row and charge the right price as another', async () => {
    const { accountId, id } = await settled(1_000n, 60);
    const answer = await world.corrections.correct(correction(id));
    expect(answer).toMatchObject({
      replayed: false,
      correction: {
        number: 1,
        reason: 'wrong',
        actor: 'ada',
        before: { outputTokens: 60, creditsUsedMicros: 120n, creditsChargedMicros: 120n, usdCostMicros: 1n },
        after: { outputTokens: 30, creditsUsedMicros: 60n, creditsChargedMicros: 60n, priceId: world.priceId },
      },
    });
    expect(await world.usage.find(id)).toMatchObject({ outputTokens: 30, creditsChargedMicros: 60n, corrections: 1 });
    expect(await world.balance(accountId)).toEqual({ available: 940n, frozen: 0n });
    expect(await today(accountId)).toBe(60n);
    const { items } = await world.wallets.ledger(accountId, 'standard', { limit: 2, cursor: null });
    expect(
      items.map(({ kind, freezeId, availableDeltaMicros, note }) => [kind, freezeId, availableDeltaMicros, note]),
    ).toEqual([
      ['correction', id, -60n, 'wrong'],
      ['reversal', id, 120n, 'wrong'],
    ]);
  });

  it('can name another version of the price and what the provider asked for', async () => {
    const { accountId, id } = await settled(1_000n, 60);
    const priceId = await price(5_000_000n);
    await world.corrections.correct(correction(id, { tokens: {}, priceId, providerCostUsdMicros: usdMicros(7n) }));
    expect(await world.usage.find(id)).toMatchObject({ priceId, creditsUsedMicros: 300n, providerCostUsdMicros: 7n });
    expect(await world.balance(accountId)).toEqual({ available: 700n, frozen: 0n });
  });

  it('take no more than the wallet has; the rest is a shortfall, which a later correction takes away', async () => {
    const { accountId, id } = await settled(150n, 60);
    await world.corrections.correct(correction(id, { tokens: { outputTokens: 400 } }));
    expect(await world.usage.find(id)).toMatchObject({ creditsChargedMicros: 150n, shortfallMicros: 650n });
    expect(await today(accountId)).toBe(800n);
    expect(await world.audit()).toEqual([]);
    await world.corrections.correct(correction(id, { tokens: { outputTokens: 0 } }));
    expect(await world.usage.find(id)).toMatchObject({ creditsUsedMicros: 0n, shortfallMicros: 0n, corrections: 2 });
    expect(await world.balance(accountId)).toEqual({ available: 150n, frozen: 0n });
    expect(await today(accountId)).toBe(0n);
  });

  it('count once for a key, and refuse the key for anything else', async () => {
    const { accountId, id } = await settled(1_000n, 60);
    const other = await settled(1_000n, 60);
    const request = correction(id);
    const answers = await Promise.all(Array.from({ length: 8 }, () => world.corrections.correct(request)));
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(await world.balance(accountId)).toEqual({ available: 940n, frozen: 0n });
    const reused = { ...request, tokens: { outputTokens: 31 } };
    await expect(world.corrections.correct(reused)).rejects.toMatchObject({ code: 'idempotency_conflict' });
    await expect(world.corrections.correct({ ...request, requestId: other.id })).resolves.toMatchObject({
      replayed: false,
    });
  });

  it('of several operators at once each start from what the one before left', async () => {
    const { accountId, id } = await settled(1_000n, 60);
    const each = [10, 20, 30, 40].map((outputTokens) =>
      world.corrections.correct(correction(id, { tokens: { outputTokens } })),
    );
    await Promise.all(each);
    const history = await world.corrections.list(id);
    expect(history.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    for (const [at, { before }] of history.entries()) {
      if (at > 0) expect(before).toEqual(history[at - 1]?.after);
    }
    const last = history.at(-1)?.after.creditsUsedMicros ?? 0n;
    expect(await world.balance(accountId)).toEqual({ available: 1_000n - last, frozen: 0n });
  });

  it('are refused for what was not charged, what is right already, and prices of other models', async () => {
    const { id } = await settled(1_000n, 60);
    await expect(world.corrections.correct(correction(newId()))).rejects.toMatchObject({ code: 'request_not_found' });
    await expect(world.corrections.correct(correction(id, { tokens: { outputTokens: 60 } }))).rejects.toMatchObject({
      code: 'correction_unchanged',
    });
    await expect(world.corrections.correct(correction(id, { priceId: newId() }))).rejects.toMatchObject({
      code: 'unknown_reference',
    });
    const accountId = await world.account(1_000n);
    const request = world.freezeRequest(accountId, 100n);
    await world.wallets.freeze(request);
    await world.wallets.capture(
      accountId,
      request.id,
      world.outcome(5, { disposition: 'release', creditsUsedMicros: '0' }),
    );
    await world.settlement.settlePending();
    await expect(world.corrections.correct(correction(request.id))).rejects.toMatchObject({ code: 'not_correctable' });
  });

  it('are refused for a closed account, which has nothing and must not be given anything', async () => {
    const { accountId, id } = await settled(120n, 60);
    await world.sql.query(`update account set status = 'closed' where id = $1`, [accountId]);
    await expect(world.corrections.correct(correction(id))).rejects.toMatchObject({
      kind: 'conflict',
      code: 'account_closed',
    });
    expect(await world.balance(accountId)).toEqual({ available: 0n, frozen: 0n });
    await world.sql.query(`update account set status = 'active' where id = $1`, [accountId]);
    expect(await world.corrections.correct(correction(id))).toMatchObject({ replayed: false });
  });

  it('are told by the explanation, and cannot be rewritten', async () => {
    const { id } = await settled(1_000n, 60);
    await world.corrections.correct(correction(id, { reason: 'the provider counted twice' }));
    const settle = (await world.explanations.explain(id)).stages.find(({ stage }) => stage === 'settle');
    expect(settle).toMatchObject({
      usage: { credits_used: '0.000060' },
      corrections: [
        {
          number: 1,
          reason: 'the provider counted twice',
          credits_used_before: '0.000120',
          credits_used_after: '0.000060',
        },
      ],
    });
    await expect(world.sql.query('update usage_correction set reason = $1', ['nothing'])).rejects.toThrow('immutable');
  });
});
