import { newId } from '../../src/platform/ids/index.js';
import { MoneyWorld } from '../support/money-world.js';

describe('the database refuses', () => {
  let world: MoneyWorld;
  let accountId: string;
  let id: string;
  beforeAll(async () => {
    world = await MoneyWorld.start();
    accountId = await world.account(1_000n);
    const request = world.freezeRequest(accountId, 300n);
    id = request.id;
    await world.wallets.freeze(request);
    await world.wallets.capture(accountId, id, world.outcome(60));
    await world.settlement.settlePending();
  });
  afterAll(async () => {
    expect(await world.audit()).toEqual([]);
    await world.stop();
  });

  /** The next row of the standard wallet. */
  const row = (
    kind: string,
    available: number,
    frozen: number,
    key: string,
    freezeId: string | null,
  ): Promise<unknown> =>
    world.sql.query(
      `insert into ledger_entry (account_id, tier, seq, kind, freeze_id, available_delta, frozen_delta, available_after,
          frozen_after, idempotency_key)
        select account_id, tier, seq + 1, $2, $3, $4, $5, 0, 0, $6 from wallet where account_id = $1 and tier = 'standard'`,
      [accountId, kind, freezeId, available, frozen, key],
    );

  it.each(['settle', 'release', 'expire'])('a second end of a freeze: %s', async (kind) => {
    await expect(row(kind, 300, -300, `end:${id}`, id)).rejects.toThrow(/idempotency_key/);
    await expect(row(kind, 300, -300, 'another key', id)).rejects.toThrow(/ledger_entry_fits_kind/);
  });

  it.each([
    ['a freeze that does not take what it freezes', 'freeze', -200, 300],
    ['a release that keeps something', 'release', 200, -300],
    ['an expiry that gives more back', 'expire', 400, -300],
    ['a settlement that gives more back than was frozen', 'settle', 301, -300],
    ['an extension downwards', 'extend', 300, -300],
  ])('%s', async (_what, kind, available, frozen) => {
    const key = kind === 'freeze' ? 'freeze:gwr_x' : 'end:gwr_x';
    await expect(row(kind, available, frozen, key, 'gwr_x')).rejects.toThrow(/ledger_entry_fits_kind/);
  });

  it.each([
    ['a top-up of nothing', 'top_up', 0, 0],
    ['a top-up that freezes', 'top_up', 1, 1],
    ['an adjustment of nothing', 'adjust', 0, 0],
  ])('%s', async (_what, kind, available, frozen) => {
    await expect(row(kind, available, frozen, newId(), null)).rejects.toThrow(/ledger_entry_fits_kind/);
  });

  it.each([
    [
      'a second usage record of a request',
      `insert into usage_record select (jsonb_populate_record(u,
        jsonb_build_object('account_id', $2::text))).* from usage_record u where request_id = $1`,
      /usage_record_request/,
    ],
    [
      'a charge of a record that is not settled',
      `update usage_record set status = 'expired' where request_id = $1 and $2 <> ''`,
      /usage_record_only_settled_charges/,
    ],
    [
      'a negative count of tokens',
      `update usage_record set output_tokens = -1 where request_id = $1 and $2 <> ''`,
      /usage_record_tokens/,
    ],
    [
      'an ended freeze without the time of its end',
      `update wallet_freeze set ended_at = null where id = $1 and $2 <> ''`,
      /wallet_freeze_fits_state/,
    ],
    [
      'a settled freeze without an outcome',
      `update wallet_freeze set outcome = null where id = $1 and $2 <> ''`,
      /wallet_freeze_outcome_when_captured/,
    ],
    ['a change of a ledger row', `update ledger_entry set note = 'x' where freeze_id = $1 and $2 <> ''`, /immutable/],
  ])('%s', async (_what, statement, refusal) => {
    await expect(world.sql.query(statement, [id, newId()])).rejects.toThrow(refusal);
  });
});
