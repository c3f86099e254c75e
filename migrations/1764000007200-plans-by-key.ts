import type { MigrationInterface, QueryRunner } from 'typeorm';

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

const REWORDED: readonly [name: string, before: string, after: string][] = [
  ['wallet_capture_many', BY_ORDER, BY_KEY],
  ['wallet_end_many', BY_ORDER, BY_KEY],
  ['wallet_end_many', ENDED_BY_ORDER, ENDED_BY_KEY],
  ['billing_settle', SETTLED_BY_ORDER, SETTLED_BY_KEY],
];

/**
 * Locks captured freezes that are due, ten times a second; as a plain statement it was planned by guesses. First those in the usual order, then settlements that failed before and outcomes
 * that came after the end of their freeze. The order of the first is that of its index, so rows at its front that have
 * ended are read once and never again.
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

export class PlansByKey1764000007200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const [name, before, after] of REWORDED) await reword(runner, name, before, after);
    for (const part of [CLAIM, OLDEST_DUE]) await runner.query(part);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const [name, before, after] of REWORDED) await reword(runner, name, after, before);
    await runner.query('drop function wallet_oldest_due, wallet_claim');
  }
}

/** Replaces a passage of a function. @throws when the passage is not there: then the function is not the one meant. */
async function reword(runner: QueryRunner, name: string, before: string, after: string): Promise<void> {
  const [row] = (await runner.query('select pg_get_functiondef($1::regproc) as text', [name])) as { text: string }[];
  if (row === undefined || !row.text.includes(before)) throw new Error(`${name} does not read as expected`);
  await runner.query(row.text.replaceAll(before, () => after));
}
