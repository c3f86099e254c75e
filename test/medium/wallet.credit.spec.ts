import { newId } from '../../src/platform/ids/index.js';
import { micros, MICROS_MAX } from '../../src/platform/money/index.js';
import type { CreditRequest } from '../../src/wallet/index.js';
import { MoneyWorld } from '../support/money-world.js';

describe('top-ups, adjustments and the ledger', () => {
  let world: MoneyWorld;
  beforeAll(async () => {
    world = await MoneyWorld.start();
  });
  afterAll(async () => {
    expect(await world.audit()).toEqual([]);
    await world.stop();
  });

  const change = (accountId: string, amount: bigint, changes: Partial<CreditRequest> = {}): CreditRequest => ({
    accountId,
    tier: 'standard',
    amountMicros: micros(amount),
    note: 'invoice 7',
    idempotencyKey: newId(),
    ...changes,
  });

  it('applies a top-up once, however often and in parallel it is sent', async () => {
    const accountId = await world.account(0n);
    const request = change(accountId, 100n);
    const results = await Promise.all(Array.from({ length: 8 }, () => world.wallets.topUp(request)));
    expect(results.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(new Set(results.map(({ entryId }) => entryId))).toEqual(new Set(['standard:1']));
    expect(await world.balance(accountId)).toEqual({ available: 100n, frozen: 0n });
  });

  it('refuses a key that was used for something else', async () => {
    const accountId = await world.account(0n);
    const request = change(accountId, 100n);
    await world.wallets.topUp(request);
    const others: Partial<CreditRequest>[] = [
      { amountMicros: micros(101n) },
      { note: 'invoice 8' },
      { tier: 'premium' },
    ];
    for (const other of others) {
      await expect(world.wallets.topUp({ ...request, ...other })).rejects.toMatchObject({
        kind: 'conflict',
        code: 'idempotency_conflict',
      });
    }
    await expect(world.wallets.adjust(request)).rejects.toMatchObject({ code: 'idempotency_conflict' });
    expect(await world.balance(accountId, 'premium')).toEqual({ available: 0n, frozen: 0n });
  });

  it('keeps the keys of two accounts apart', async () => {
    const idempotencyKey = newId();
    for (const accountId of [await world.account(0n), await world.account(0n)]) {
      expect(await world.wallets.topUp(change(accountId, 5n, { idempotencyKey }))).toMatchObject({ replayed: false });
    }
  });

  it('adjusts up and down, never below what is available', async () => {
    const accountId = await world.account(100n);
    await world.wallets.freeze(world.freezeRequest(accountId, 40n));
    expect(await world.wallets.adjust(change(accountId, -60n))).toMatchObject({
      wallet: { availableMicros: 0n, frozenMicros: 40n },
    });
    await expect(world.wallets.adjust(change(accountId, -1n))).rejects.toMatchObject({
      kind: 'unprocessable',
      code: 'insufficient_balance',
    });
    expect(await world.wallets.adjust(change(accountId, 7n))).toMatchObject({ wallet: { availableMicros: 7n } });
  });

  it('refuses amounts that mean nothing or cannot be kept', async () => {
    const accountId = await world.account(1n);
    await expect(world.wallets.topUp(change(accountId, 0n))).rejects.toMatchObject({ code: 'invalid_amount' });
    await expect(world.wallets.topUp(change(accountId, -1n))).rejects.toMatchObject({ code: 'invalid_amount' });
    await expect(world.wallets.adjust(change(accountId, 0n))).rejects.toMatchObject({ code: 'invalid_amount' });
    await expect(world.wallets.topUp(change(accountId, MICROS_MAX))).rejects.toMatchObject({
      code: 'amount_out_of_range',
    });
    expect(await world.balance(accountId)).toEqual({ available: 1n, frozen: 0n });
  });

  it('keeps room for what is frozen to come back', async () => {
    const accountId = await world.account(0n);
    await world.wallets.topUp(change(accountId, 4_000_000_000_000_000_000n));
    const request = world.freezeRequest(accountId, 100n);
    await world.wallets.freeze(request);
    await expect(world.wallets.topUp(change(accountId, 100n))).rejects.toMatchObject({ code: 'amount_out_of_range' });
    await world.wallets.capture(accountId, request.id, world.outcome(10));
    await world.settlement.settlePending();
    expect(await world.balance(accountId)).toEqual({ available: 3_999_999_999_999_999_980n, frozen: 0n });
  });

  it('refuses unknown and closed accounts', async () => {
    await expect(world.wallets.topUp(change(newId(), 1n))).rejects.toMatchObject({ kind: 'not_found' });
    const accountId = await world.account(0n);
    await world.sql.query(`update account set status = 'closed' where id = $1`, [accountId]);
    await expect(world.wallets.topUp(change(accountId, 1n))).rejects.toMatchObject({ code: 'account_closed' });
  });

  it('lists the rows of a wallet newest first, page by page, with both balances after each', async () => {
    const accountId = await world.account(100n);
    const request = world.freezeRequest(accountId, 40n);
    await world.wallets.freeze(request);
    await world.wallets.capture(accountId, request.id, world.outcome(5));
    await world.settlement.settlePending();
    const first = await world.wallets.ledger(accountId, 'standard', { limit: 2, cursor: null });
    const second = await world.wallets.ledger(accountId, 'standard', { limit: 2, cursor: first.nextCursor });
    expect(second.nextCursor).toBeNull();
    expect([...first.items, ...second.items]).toMatchObject([
      {
        id: 'standard:3',
        kind: 'settle',
        freezeId: request.id,
        availableDeltaMicros: 30n,
        frozenDeltaMicros: -40n,
        availableAfterMicros: 90n,
        frozenAfterMicros: 0n,
      },
      {
        id: 'standard:2',
        kind: 'freeze',
        freezeId: request.id,
        availableDeltaMicros: -40n,
        frozenDeltaMicros: 40n,
        availableAfterMicros: 60n,
        frozenAfterMicros: 40n,
      },
      {
        id: 'standard:1',
        kind: 'top_up',
        freezeId: null,
        availableDeltaMicros: 100n,
        note: 'test',
        availableAfterMicros: 100n,
      },
    ]);
  });

  it('never changes a row, whoever asks', async () => {
    const accountId = await world.account(1n);
    for (const sql of [
      'update ledger_entry set available_delta = 2 where account_id = $1',
      'delete from ledger_entry where account_id = $1',
    ]) {
      await expect(world.sql.query(sql, [accountId])).rejects.toThrow('immutable');
    }
  });

  it('keeps the wallet that it belongs to, under its name', async () => {
    const accountId = await world.account(1n);
    for (const sql of [
      `delete from wallet where account_id = $1 and tier = 'standard'`,
      `update wallet set tier = 'other' where account_id = $1 and tier = 'standard'`,
    ]) {
      await expect(world.sql.query(sql, [accountId])).rejects.toThrow('a wallet with ledger rows stays');
    }
  });
});
