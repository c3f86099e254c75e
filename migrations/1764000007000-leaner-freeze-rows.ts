import type { MigrationInterface, QueryRunner } from 'typeorm';

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

/** Functions that looked for open freezes by their state: what each of them said, and what it says now. */
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
];

export class LeanerFreezeRows1764000007000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP);
    for (const [name, before, after] of REWORDED) await reword(runner, name, before, after);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const [name, before, after] of REWORDED) await reword(runner, name, after, before);
    await runner.query(DOWN);
  }
}

/** Replaces a passage of a function. @throws when the passage is not there: then the function is not the one meant. */
async function reword(runner: QueryRunner, name: string, before: string, after: string): Promise<void> {
  const [row] = (await runner.query('select pg_get_functiondef($1::regproc) as text', [name])) as { text: string }[];
  if (row === undefined || !row.text.includes(before)) throw new Error(`${name} does not read as expected`);
  await runner.query(row.text.replaceAll(before, () => after));
}
