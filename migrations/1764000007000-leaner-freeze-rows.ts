import type { MigrationInterface, QueryRunner } from 'typeorm';
import { reword } from '../src/platform/database/reword.js';

/**
 * A freeze row is written three times: held, captured, ended. An index that mentions `state`, also in its predicate, makes
 * each of them write every index of the table anew. These two mention only what a capture leaves alone, and hold open
 * rows only: freezes that have not ended, and those whose settlement is to be tried again or came late (`retry_at`).
 * The lower fill factor leaves the captured row room on its page.
 *
 * Ledger rows come from the wallet functions alone, which hold the wallet's row; looking it up again for each row cost more
 * than the row. What the foreign key was for, no ledger without its wallet, is kept where wallets are removed.
 */
const UP = `
drop index wallet_freeze_held;
drop index wallet_freeze_captured;
drop index wallet_freeze_concurrency;
create index wallet_freeze_open on wallet_freeze (created_at) where ended_at is null;
create index wallet_freeze_retry on wallet_freeze (retry_at) where retry_at is not null;
create index wallet_freeze_concurrency on wallet_freeze (api_key_id) where rate_limited and ended_at is null;
alter table wallet_freeze set (fillfactor = 40);
update wallet_freeze set retry_at = now() where state = 'captured' and ended_at is not null and retry_at is null;

alter table ledger_entry drop constraint ledger_entry_account_id_tier_fkey;
create function refuse_wallet_removal() returns trigger language plpgsql as $$
begin
  raise exception 'a wallet with ledger rows stays' using errcode = 'restrict_violation';
end $$;
create trigger wallet_stays before delete on wallet for each row when (old.seq > 0) execute function refuse_wallet_removal();
create trigger wallet_stays_whole before truncate on wallet for each statement execute function refuse_wallet_removal();
create trigger wallet_keeps_its_name before update of account_id, tier on wallet for each row
  execute function refuse_wallet_removal();
`;

const DOWN = `
drop trigger wallet_keeps_its_name on wallet;
drop trigger wallet_stays_whole on wallet;
drop trigger wallet_stays on wallet;
drop function refuse_wallet_removal;
alter table ledger_entry add constraint ledger_entry_account_id_tier_fkey
  foreign key (account_id, tier) references wallet (account_id, tier);

alter table wallet_freeze set (fillfactor = 60);
drop index wallet_freeze_open;
drop index wallet_freeze_retry;
drop index wallet_freeze_concurrency;
create index wallet_freeze_held on wallet_freeze (process_id) where state = 'held';
create index wallet_freeze_captured on wallet_freeze (captured_at) where state = 'captured';
create index wallet_freeze_concurrency on wallet_freeze (api_key_id) where rate_limited and state = 'held';
`;

const HOT = 'language plpgsql set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan';

/**
 * A plan that was made while a table was almost empty stays until the table is analyzed. Without sequential scans such a
 * plan could still walk the whole primary key of the freezes, because its order fits a join with a sorted batch; then each
 * batch took longer the more requests there had been. `= any (array[…])` is looked up in the index like `=`, but orders
 * nothing, so that walk is no candidate any more.
 */
const BY_ORDER = 'f.account_id = i.account_id and f.id = i.id';
const BY_KEY = 'f.account_id = any (array[i.account_id]) and f.id = any (array[i.id])';
const ENDED_BY_ORDER = 'f.account_id = r.account_id and f.id = r.id';
const ENDED_BY_KEY = 'f.account_id = any (array[r.account_id]) and f.id = any (array[r.id])';
const SETTLED_BY_ORDER = 'f.account_id = e.account_id and f.id = e.id';
const SETTLED_BY_KEY = 'f.account_id = any (array[e.account_id]) and f.id = any (array[e.id])';

/** What functions said of the state of open freezes and of their keys, and what they say now. */
const REWORDED: readonly [name: string, before: string, after: string][] = [
  [
    'wallet_quota_reserve',
    `f.rate_limited and f.state = 'held'`,
    `f.rate_limited and f.ended_at is null and f.state = 'held'`,
  ],
  [
    'wallet_freeze_many',
    `f.rate_limited and f.state = 'held'`,
    `f.rate_limited and f.ended_at is null and f.state = 'held'`,
  ],
  [
    'billing_expire_dead',
    `where f.state = 'held' and not exists`,
    `where f.ended_at is null and f.state = 'held' and not exists`,
  ],
  [
    'wallet_capture_one',
    `outcome = p_outcome, captured_at = now()
      where f.account_id = p_account and f.id = p_id;`,
    `outcome = p_outcome, captured_at = now(), retry_at = now()
      where f.account_id = p_account and f.id = p_id;`,
  ],
  ['wallet_capture_many', BY_ORDER, BY_KEY],
  ['wallet_end_many', BY_ORDER, BY_KEY],
  ['wallet_end_many', ENDED_BY_ORDER, ENDED_BY_KEY],
  ['billing_settle', SETTLED_BY_ORDER, SETTLED_BY_KEY],
];

/**
 * Locks captured freezes that are due, ten times a second: first those in the usual order, then settlements that failed
 * before and outcomes that came after the end of their freeze. The order of the first is that of its index, so rows at its
 * front that have ended are read once and never again. As plain statements these were planned by guesses.
 */
const CLAIM = `
create function wallet_claim(p_limit integer) returns table (
  account_id uuid, id text, tier text, price_id uuid, amount bigint, facts jsonb, outcome jsonb, settle_attempts integer
) ${HOT} as $$
#variable_conflict use_column
declare
  v_found integer;
begin
  return query select f.account_id, f.id, f.tier, f.price_id, f.amount, f.facts, f.outcome, f.settle_attempts
    from wallet_freeze f where f.ended_at is null and f.state = 'captured' and f.retry_at is null
    order by f.created_at limit p_limit for no key update skip locked;
  get diagnostics v_found = row_count;
  return query select f.account_id, f.id, f.tier, f.price_id, f.amount, f.facts, f.outcome, f.settle_attempts
    from wallet_freeze f where f.retry_at <= now() and f.state = 'captured'
    order by f.retry_at limit p_limit - v_found for no key update skip locked;
end $$;
`;

/** Age of the oldest outcome that is due, in milliseconds; null when none is. */
const OLDEST_DUE = `
create function wallet_oldest_due() returns double precision ${HOT} as $$
begin
  return (select extract(epoch from now() - min(due.captured_at)) * 1000 from (
    select f.captured_at from wallet_freeze f where f.ended_at is null and f.state = 'captured' and f.retry_at is null
    union all
    select f.captured_at from wallet_freeze f where f.retry_at <= now() and f.state = 'captured') due);
end $$;
`;

export class LeanerFreezeRows1764000007000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP);
    for (const [name, before, after] of REWORDED) await reword(runner, name, [[before, after]]);
    for (const part of [CLAIM, OLDEST_DUE]) await runner.query(part);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop function wallet_oldest_due, wallet_claim');
    for (const [name, before, after] of REWORDED) await reword(runner, name, [[after, before]]);
    await runner.query(DOWN);
  }
}
