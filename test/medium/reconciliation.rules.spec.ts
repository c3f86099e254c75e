import { DIFFERENCE_KINDS, type DifferenceKind } from '../../src/reconciliation/index.js';
import { newId } from '../../src/platform/ids/index.js';
import { MoneyWorld } from '../support/money-world.js';

/**
 * The least that makes each rule speak, with `$1` the account (its standard wallet has one settled and one open request) and
 * `$2` the settled request. The constraints that would refuse it are gone here.
 */
const BREACHES: Readonly<Partial<Record<DifferenceKind, string>>> = {
  negative_balance: `update wallet set available = -1 where account_id = $1 and $2 <> ''`,
  wallet_missing: `delete from wallet where account_id = $1 and tier = 'standard' and $2 <> ''`,
  balance_without_row: `update wallet set available = available + 1 where account_id = $1 and $2 <> ''`,
  frozen_total: `update wallet_freeze set amount = amount + 1 where account_id = $1 and id <> $2`,
  conservation: `update usage_record set credits_charged = credits_charged + 1 where account_id = $1 and request_id = $2`,
  wallet_sequence: `update wallet set seq = seq - 1 where account_id = $1 and $2 <> ''`,
  ledger_row_missing: `delete from ledger_entry where account_id = $1 and freeze_id = $2 and kind = 'settle'`,
  ledger_row_edited: `update ledger_entry set frozen_after = frozen_after + 1 where account_id = $1 and freeze_id = $2 and kind = 'freeze'`,
  ledger_row_without_freeze: `delete from wallet_freeze where account_id = $1 and id = $2`,
  freeze_without_row: `update ledger_entry set freeze_id = null where account_id = $1 and freeze_id <> $2`,
  freeze_amount: `update wallet_freeze set amount = amount + 1 where account_id = $1 and id = $2`,
  freeze_without_end: `update wallet_freeze set ended_at = now() where account_id = $1 and id <> $2`,
  freeze_ended_twice: `insert into ledger_entry (account_id, tier, seq, kind, freeze_id, available_delta, frozen_delta,
      available_after, frozen_after, idempotency_key)
    select account_id, tier, seq + 1, 'release', $2, 0, 0, available, frozen, 'second' from wallet
      where account_id = $1 and tier = 'standard'`,
  freeze_state: `update wallet_freeze set state = 'expired' where account_id = $1 and id = $2`,
  freeze_not_returned: `update ledger_entry set frozen_delta = frozen_delta + 1 where account_id = $1 and freeze_id = $2 and kind = 'settle'`,
  settlement_without_outcome: `update wallet_freeze set outcome = null where account_id = $1 and id = $2`,
  usage_record_missing: `delete from usage_record where account_id = $1 and request_id = $2`,
  usage_record_early: `insert into usage_record select (jsonb_populate_record(u, jsonb_build_object('request_id', f.id))).*
    from usage_record u, wallet_freeze f where u.request_id = $2 and f.account_id = $1 and f.id <> $2`,
  usage_record_without_freeze: `update usage_record set request_id = 'gwr_other' where account_id = $1 and request_id = $2`,
  usage_record_status: `update usage_record set status = 'expired' where account_id = $1 and request_id = $2`,
  usage_record_differs: `update usage_record set api_key_id = model_id where account_id = $1 and request_id = $2`,
  usage_charge: `update usage_record set credits_charged = 119, shortfall = 1 where account_id = $1 and request_id = $2`,
  usage_sum: `update usage_record set shortfall = 1 where account_id = $1 and request_id = $2`,
  shortfall_booking: `insert into platform_shortfall (account_id, request_id, tier, amount) values ($1, $2, 'standard', 1)`,
  wrong_token_bucket: `update usage_record set input_tokens = 1 where account_id = $1 and request_id = $2`,
  wrong_price: `update wallet_freeze set outcome = jsonb_set(outcome, '{creditsUsedMicros}', '"7"') where account_id = $1 and id = $2`,
  stale_price_version: `update usage_record set price_id = model_id where account_id = $1 and request_id = $2`,
  price_missing: `update wallet_freeze set price_id = model_id where account_id = $1 and id = $2`,
  quota_window: `delete from quota_day where account_id = $1 and $2 <> ''`,
};

/** Found by tests of their own, with what they need besides rows. */
const ELSEWHERE: readonly DifferenceKind[] = [
  'ledger_row_reordered',
  'outcome_not_settled',
  'correction_missing',
  'correction_differs',
  'statement_requests',
  'statement_cost',
  'seal_edited_row',
  'seal_missing_row',
  'seal_unexpected_row',
  'seal_missing_seal',
  'seal_broken_seal',
  'seal_missing_checkpoint',
  'seal_forged_checkpoint',
  'seal_published_otherwise',
  'seal_bad_published_line',
  // analytics.clocks.spec.ts
  'usage_rollup',
];

describe('each rule of the verification', () => {
  let world: MoneyWorld;
  beforeAll(async () => {
    world = await MoneyWorld.start();
    await world.sql.query(`
      alter table wallet drop constraint wallet_available_check;
      alter table wallet_freeze drop constraint wallet_freeze_outcome_when_captured, drop constraint wallet_freeze_fits_state;
      alter table ledger_entry drop constraint ledger_entry_fits_kind;
      alter table usage_record drop constraint usage_record_charge_adds_up, drop constraint usage_record_only_settled_charges`);
  });
  afterAll(async () => {
    await world.stop();
  });

  /** An account with one settled and one open request. */
  async function busyAccount(): Promise<{ accountId: string; settledId: string }> {
    const accountId = await world.account(10_000n);
    const [settled, open] = [world.freezeRequest(accountId, 300n), world.freezeRequest(accountId, 300n)];
    await world.wallets.freeze(settled);
    await world.wallets.capture(accountId, settled.id, world.outcome(60));
    await world.settlement.settlePending();
    await world.wallets.freeze(open);
    return { accountId, settledId: settled.id };
  }

  it('is broken by one of the tests', () => {
    const covered = [...Object.keys(BREACHES), ...ELSEWHERE];
    expect(covered.sort()).toEqual(Object.keys(DIFFERENCE_KINDS).sort());
  });

  it('says nothing of an account that nobody touched', async () => {
    const { accountId } = await busyAccount();
    expect(await world.verifier.verify({ accountId })).toMatchObject({ ok: true, freezes: 2, openFreezes: 1 });
  });

  it.each(Object.entries(BREACHES))('says %s', async (kind, breach) => {
    const { accountId, settledId } = await busyAccount();
    await world.sql.transaction(async (transaction) => {
      await transaction.query('set local session_replication_role = replica');
      await transaction.query(breach, [accountId, settledId]);
    });
    const { differences, countByKind } = await world.verifier.verify({ accountId });
    expect(Object.keys(countByKind)).toContain(kind);
    expect(differences.find((difference) => difference.kind === kind)).toMatchObject({ accountId });
  });
});

describe('a verification of many accounts', () => {
  let world: MoneyWorld;
  beforeAll(async () => {
    world = await MoneyWorld.start();
  });
  afterAll(async () => {
    await world.stop();
  });

  /** Ids so far apart that there are always more between two ranges. */
  const ID = `(lpad(to_hex(n), 8, '0') || '-0000-0000-0000-000000000000')::uuid`;

  it('leaves none out, in whatever ranges they are taken, and names what belongs to no wallet', async () => {
    await world.sql.query(
      `insert into account (id, kind, name) select ${ID}, 'personal', 'n' from generate_series(1, 4001) n`,
    );
    await world.sql.query(
      `insert into wallet (account_id, tier) select ${ID}, 'economy' from generate_series(1, 4000) n`,
    );
    expect(await world.verifier.verify()).toMatchObject({ ok: true, wallets: 4000 });
    await world.sql.query(
      `insert into wallet (account_id, tier) select ${ID}, 'economy' from generate_series(4001, 4001) n`,
    );
    await world.sql.query(`update wallet set available = 1 where account_id in (
      select ${ID} from unnest(array[1, 2000, 2001, 4000, 4001]) n)`);
    await world.sql.query(
      `insert into quota_day (account_id, api_key_id, day, used) select id, id, current_date, 1
        from unnest(array['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']::uuid[]) id`,
    );
    const report = await world.verifier.verify({ keptMax: 3 });
    expect(report).toMatchObject({
      wallets: 4001,
      differenceCount: 12,
      countByKind: { balance_without_row: 5, conservation: 5, quota_window: 2 },
    });
    expect(report.differences.length).toBe(3);
  });

  it('ends when it is told to', async () => {
    await expect(world.verifier.verify({ signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  });
});

describe('a verification beside running requests', () => {
  it('finds nothing, whatever is in flight', async () => {
    const world = await MoneyWorld.start({ workers: true });
    try {
      const accounts = await Promise.all([1, 2, 3, 4].map(() => world.account(100_000n)));
      const load = { ended: false };
      const callers = accounts.map(async (accountId) => {
        for (let call = 0; call < 60; call += 1) {
          const request = world.freezeRequest(accountId, 300n);
          await world.wallets.freeze(request);
          if (call % 3 === 0) await world.settlement.release(accountId, request.id);
          else await world.wallets.capture(accountId, request.id, world.outcome(call));
          world.settlementQueue.notify();
        }
      });
      const ending = Promise.all(callers).finally(() => (load.ended = true));
      const reports = [];
      while (!load.ended) reports.push(await world.verifier.verify());
      await ending;
      expect(reports.flatMap(({ differences }) => differences)).toEqual([]);
      // It was watched while something was open, not only before and after.
      expect(reports.some(({ openFreezes }) => openFreezes > 0)).toBe(true);
      await expect(world.verifier.verify({ accountId: newId() })).rejects.toMatchObject({ code: 'account_not_found' });
    } finally {
      await world.stop();
    }
  });
});
