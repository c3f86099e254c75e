import type { MigrationInterface, QueryRunner } from 'typeorm';
import { reword, type Rewording } from '../src/platform/database/reword.js';

/** Columns of one priced outcome, see `SettlementItem`. */
const ITEM_COLUMNS = `account_id uuid, id text, kind text, used bigint, status text, provider text, input_tokens integer,
  output_tokens integer, cached_input_tokens integer, cached_output_tokens integer, usd_cost bigint,
  provider_cost_usd bigint, usage_source text`;

const HOT = 'language plpgsql set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan';

const SETTLED = 'account_id uuid, id text, status text, used bigint, charged bigint, shortfall bigint';

/** Records usage from freezes `f` and items `i`, with what became of the price. */
function insertUsage(
  from: string,
  { used, charged, shortfall }: Record<'used' | 'charged' | 'shortfall', string>,
): string {
  return `insert into usage_record as u (account_id, request_id, client_request_id, api_key_id, model_id, model_key, provider, tier,
      stream, status, input_tokens, output_tokens, cached_input_tokens, cached_output_tokens, credits_used,
      credits_charged, shortfall, usd_cost, provider_cost_usd, usage_source, price_id, frozen, outcome, created_at)
    select f.account_id, f.id, f.client_request_id, f.api_key_id, f.model_id, coalesce(f.facts ->> 'modelKey', ''),
        i.provider, f.tier, f.stream, i.status, coalesce(i.input_tokens, 0), coalesce(i.output_tokens, 0),
        coalesce(i.cached_input_tokens, 0), coalesce(i.cached_output_tokens, 0), ${used}, ${charged},
        ${shortfall}, coalesce(i.usd_cost, 0), coalesce(i.provider_cost_usd, 0), coalesce(i.usage_source, 'unavailable'),
        f.price_id, f.amount, f.outcome, f.created_at
      ${from}`;
}

const RETURNING = 'returning u.account_id, u.request_id, u.status, u.credits_used, u.credits_charged, u.shortfall';

/** An outcome that came late completes the record of its expired (or released) freeze; the status stays. */
const COMPLETE_LATE = `on conflict (account_id, request_id) do update set
      provider = excluded.provider, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
      cached_input_tokens = excluded.cached_input_tokens, cached_output_tokens = excluded.cached_output_tokens,
      credits_used = excluded.credits_used, shortfall = excluded.shortfall, usd_cost = excluded.usd_cost,
      provider_cost_usd = excluded.provider_cost_usd, usage_source = excluded.usage_source, outcome = excluded.outcome,
      settled_at = now()
    where u.status in ('expired', 'released') and u.outcome is null`;

/** Which freezes an item may end, by its kind. */
const MAY_END = `case i.kind when 'settle' then f.state = 'captured' when 'release' then f.state in ('held', 'captured')
        when 'expire' then f.state = 'held' else false end`;

/** Records what `wallet_end_many` came to, from a source of its rows `e`. */
function recordEnded(source: string): string {
  return `${insertUsage(
    `from ${source}
      join jsonb_to_recordset(p_items) as i (${ITEM_COLUMNS}) on i.account_id = e.account_id and i.id = e.id
      join wallet_freeze f on f.account_id = any (array[e.account_id]) and f.id = any (array[e.id])`,
    { used: 'e.charged + e.shortfall', charged: 'e.charged', shortfall: 'e.shortfall' },
  )}
  ${COMPLETE_LATE}
  ${RETURNING}`;
}

/**
 * Ends priced freezes and records their usage, both or neither. Whoever freezes credits of a wallet waits while a settlement
 * has it locked, so what can be done before is done before: where the freeze covers the price, what is charged does not
 * depend on the wallet, and usage is recorded first.
 */
const SETTLE = `
create or replace function billing_settle(p_items jsonb) returns table (${SETTLED}) ${HOT} as $$
#variable_conflict use_column
declare
  e_account uuid[]; e_id text[]; e_charged bigint[]; e_shortfall bigint[];
begin
  return query
  with item as materialized (
    select distinct on (i.account_id, i.id) i.* from jsonb_to_recordset(p_items) as i (${ITEM_COLUMNS})
      order by i.account_id, i.id
  )
  ${insertUsage(
    `from item i cross join lateral (select f.* from wallet_freeze f
          where f.account_id = i.account_id and f.id = i.id and ${MAY_END} for no key update offset 0) f
      where i.kind = 'settle' and f.ended_at is null and i.used <= f.amount`,
    { used: 'i.used', charged: 'i.used', shortfall: '0' },
  )}
  on conflict do nothing
  ${RETURNING};
  select array_agg(e.account_id), array_agg(e.id), array_agg(e.charged), array_agg(e.shortfall)
    into e_account, e_id, e_charged, e_shortfall
    from wallet_end_many(p_items) e
    where e.kind <> 'settle' or e.late or e.charged + e.shortfall > e.amount;
  if e_id is null then return; end if;
  return query
  ${recordEnded('unnest(e_account, e_id, e_charged, e_shortfall) as e (account_id, id, charged, shortfall)')};
end $$;
`;

const SETTLE_AFTER_END = `
create or replace function billing_settle(p_items jsonb) returns table (${SETTLED}) ${HOT} as $$
#variable_conflict use_column
begin
  return query
  with ended as materialized (
    select e.account_id, e.id, e.amount, e.charged, e.shortfall from wallet_end_many(p_items) e
  )
  ${recordEnded('ended e')};
end $$;
`;

const NOTHING_TO_END = 'if n = 0 then return; end if;';
const END_FREEZES = `update wallet_freeze f
    set ended_at = coalesce(f.ended_at, now()), retry_at = null,
      state = case when r.late then (select case e.kind when 'expire' then 'expired' else 'released' end
          from ledger_entry e where e.account_id = r.account_id and e.idempotency_key = 'end:' || r.id)
        else case r.kind when 'settle' then 'settled' when 'release' then 'released' else 'expired' end end
    from unnest(r_account, r_id, r_kind, r_late) as r (account_id, id, kind, late)
    where f.account_id = any (array[r.account_id]) and f.id = any (array[r.id]);`;
const ANSWER = 'return query select * from unnest(r_account, r_id, r_kind, r_late, r_amount, r_charged, r_shortfall);';

/** Freezes are ended before wallets are locked, no longer after all else. */
const EARLIER: readonly Rewording[] = [
  [`${END_FREEZES}\n  ${ANSWER}`, ANSWER],
  [NOTHING_TO_END, `${NOTHING_TO_END}\n  ${END_FREEZES}`],
];
const BACK = EARLIER.toReversed().map(([before, after]): Rewording => [after, before]);

export class ShortWalletLocks1764000014200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await reword(runner, 'wallet_end_many', EARLIER);
    await runner.query(SETTLE);
  }

  async down(runner: QueryRunner): Promise<void> {
    await reword(runner, 'wallet_end_many', BACK);
    await runner.query(SETTLE_AFTER_END);
  }
}
