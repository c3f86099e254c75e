import { receiptBytes, receiptFaults, receiptSchema, type Receipt } from '../../src/billing/index.js';
import { newId } from '../../src/platform/ids/index.js';
import { micros } from '../../src/platform/money/index.js';
import { SigningKeys } from '../../src/platform/signing/index.js';
import { MoneyWorld, NO_LIMITS } from '../support/money-world.js';

describe('receipts', () => {
  let world: MoneyWorld;
  beforeAll(async () => {
    world = await MoneyWorld.start();
  });
  afterAll(() => world.stop());

  async function frozen(credits: bigint, amount: bigint): Promise<{ accountId: string; id: string }> {
    const accountId = await world.account(credits);
    const request = world.freezeRequest(accountId, amount);
    await world.wallets.freeze(request);
    return { accountId, id: request.id };
  }

  /** The receipt as JSON brings it, after everybody could have checked it. */
  async function checked({ accountId, id }: { accountId: string; id: string }): Promise<Receipt> {
    const read = await world.receipts.read(accountId, id);
    const receipt = receiptSchema.parse(JSON.parse(JSON.stringify(read)));
    expect(receiptFaults(receipt)).toEqual([]);
    const { signature } = receipt;
    const bytes = Buffer.from(signature?.value ?? '', 'base64url');
    expect(world.app.get(SigningKeys).check(signature?.key_id ?? '', receiptBytes(receipt), bytes)).toBe('valid');
    return receipt;
  }

  async function expire(id: string): Promise<void> {
    await world.sql.query('update wallet_freeze set process_id = $1 where id = $2', [newId(), id]);
    await world.sql.query(`select billing_expire_dead(10, '0')`);
  }

  it('of a settled request shows price, every step, freeze, extensions, settlement and ledger rows', async () => {
    const request = await frozen(1_000n, 100n);
    await world.wallets.extend({ ...request, extraMicros: micros(200n), limits: NO_LIMITS });
    const usage = { inputTokens: 3, outputTokens: 60, cachedInputTokens: 5, cachedOutputTokens: 7 };
    await world.wallets.capture(request.accountId, request.id, world.outcome(60, { usage }));
    await world.settlement.settlePending();
    const receipt = await checked(request);
    // 3 × 1 + 60 × 2 + 5 × 0.5 + 7 × 1.5 = 136 micro-credits, exactly.
    expect(receipt).toMatchObject({
      id: request.id.replace('gwr_', 'rcp_'),
      status: 'settled',
      price: { id: world.priceId, version: 1, credits_per_mtok: { output: '2.000000', cached_input: '0.500000' } },
      calculation: {
        products: [
          { bucket: 'input', tokens: 3, rate: '1.000000', product: '3000000' },
          { bucket: 'output', tokens: 60, product: '120000000' },
          { bucket: 'cached_input', tokens: 5, product: '2500000' },
          { bucket: 'cached_output', tokens: 7, product: '10500000' },
        ],
        sum: '136000000',
        quotient: '136',
        remainder: '0',
        price: '0.000136',
      },
      // 136 × 10,000 ÷ 10⁶ = 1.36 micro-USD.
      usd: { usd_per_credit: '0.010000', product: '1360000', quotient: '1', remainder: '360000', usd_cost: '0.000001' },
      freeze: { amount: '0.000300', extensions: 1, state: 'settled' },
      settlement: { disposition: 'charge', credits_charged: '0.000136', returned: '0.000164', shortfall: '0.000000' },
    });
    expect(receipt.ledger.map(({ id, kind }) => [id, kind])).toEqual([
      ['standard:2', 'freeze'],
      ['standard:3', 'extend'],
      ['standard:4', 'settle'],
    ]);
  });

  it('shows the remainder that was rounded up, once', async () => {
    const request = await frozen(1_000n, 100n);
    const usage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 3, cachedOutputTokens: 1 };
    await world.wallets.capture(request.accountId, request.id, world.outcome(0, { usage }));
    await world.settlement.settlePending();
    // 3 × 0.5 + 1 × 1.5 = 3: each product alone would have been rounded.
    expect((await checked(request)).calculation).toMatchObject({ remainder: '0', price: '0.000003' });
    const odd = await frozen(1_000n, 100n);
    const one = { ...usage, cachedInputTokens: 1, cachedOutputTokens: 0 };
    await world.wallets.capture(odd.accountId, odd.id, world.outcome(0, { usage: one }));
    await world.settlement.settlePending();
    expect((await checked(odd)).calculation).toMatchObject({ quotient: '0', remainder: '500000', price: '0.000001' });
  });

  it('of a request that is under way is pending, charges nothing and is not signed', async () => {
    const request = await frozen(1_000n, 100n);
    const held = await world.receipts.read(request.accountId, request.id);
    expect(held).toMatchObject({ status: 'pending', settlement: null, calculation: null, signature: null });
    expect(held.message).toContain('not settled yet');
    await world.wallets.capture(request.accountId, request.id, world.outcome(10));
    expect((await world.receipts.read(request.accountId, request.id)).status).toBe('pending');
    await world.settlement.settlePending();
    expect((await checked(request)).status).toBe('settled');
  });

  it('of a release charges nothing, although tokens were used', async () => {
    const request = await frozen(1_000n, 100n);
    const outcome = world.outcome(5, { disposition: 'release', reason: 'free_hangup', creditsUsedMicros: '0' });
    await world.wallets.capture(request.accountId, request.id, outcome);
    await world.settlement.settlePending();
    expect(await checked(request)).toMatchObject({
      status: 'released',
      calculation: { price: '0.000010' },
      settlement: { disposition: 'release', reason: 'free_hangup', credits_used: '0.000000', returned: '0.000100' },
    });
  });

  it('of an expired request says so, and what its late outcome cost the platform', async () => {
    const request = await frozen(1_000n, 100n);
    await expire(request.id);
    expect(await checked(request)).toMatchObject({
      status: 'expired',
      settlement: { disposition: null, credits_used: '0.000000', returned: '0.000100' },
    });
    await world.wallets.capture(request.accountId, request.id, world.outcome(20));
    expect((await checked(request)).settlement?.credits_used).toBe('0.000000');
    await world.settlement.settlePending();
    expect((await checked(request)).settlement).toMatchObject({ credits_charged: '0.000000', shortfall: '0.000040' });
  });

  it('of a request that could not be settled shows a release', async () => {
    const request = await frozen(1_000n, 100n);
    await world.wallets.capture(request.accountId, request.id, world.outcome(20, { creditsUsedMicros: '41' }));
    for (let attempt = 0; attempt < 10; attempt++) {
      await world.sql.query('update wallet_freeze set retry_at = null where id = $1', [request.id]);
      await world.settlement.settlePending();
    }
    expect(await checked(request)).toMatchObject({ status: 'failed', settlement: { disposition: 'release' } });
  });

  it('of a request that the wallet could not pay shows the shortfall, of a corrected one both charges', async () => {
    const request = await frozen(150n, 100n);
    await world.wallets.capture(request.accountId, request.id, world.outcome(400));
    await world.settlement.settlePending();
    expect((await checked(request)).settlement).toMatchObject({ credits_charged: '0.000150', shortfall: '0.000650' });
    await world.corrections.correct({
      requestId: request.id,
      tokens: { outputTokens: 30 },
      reason: 'wrong',
      actor: 'ada',
      idempotencyKey: newId(),
    });
    const corrected = await checked(request);
    expect(corrected.settlement).toMatchObject({ credits_charged: '0.000060', corrections: 1 });
    expect(corrected.ledger.map(({ kind }) => kind)).toEqual(['freeze', 'settle', 'reversal', 'correction']);
  });

  it.each(['gwr_', 'rcp_', '', 'rcp_0123', "rcp_' or true --"])('do not exist for %j', async (id) => {
    const { accountId } = await frozen(1_000n, 100n);
    await expect(world.receipts.read(accountId, id)).rejects.toMatchObject({ code: 'receipt_not_found' });
  });

  it('do not exist for another account', async () => {
    const request = await frozen(1_000n, 100n);
    const other = await world.account(0n);
    await expect(world.receipts.read(other, request.id)).rejects.toMatchObject({ code: 'receipt_not_found' });
    await world.wallets.capture(request.accountId, request.id, world.outcome(10));
    await world.settlement.settlePending();
    await expect(world.receipts.read(other, request.id)).rejects.toMatchObject({ code: 'receipt_not_found' });
  });
});
