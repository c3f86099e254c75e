import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Columns of one priced outcome, see `SettlementItem`. */
const ITEM_COLUMNS = `account_id uuid, id text, kind text, used bigint, status text, provider text, input_tokens integer,
  output_tokens integer, cached_input_tokens integer, cached_output_tokens integer, usd_cost bigint,
  provider_cost_usd bigint, usage_source text`;

const HOT = 'language plpgsql set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan';

/**
 * Ends priced freezes and records their usage, both or neither. An outcome that came late finds the record of its expired
 * (or released) freeze and completes it; the status stays.
 */
const SETTLE = `
create function billing_settle(p_items jsonb) returns table (
  account_id uuid, id text, status text, used bigint, charged bigint, shortfall bigint
) ${HOT} as $$
#variable_conflict use_column
begin
  return query
  with ended as materialized (
    select e.account_id, e.id, e.amount, e.charged, e.shortfall from wallet_end_many(p_items) e
  )
  insert into usage_record as u (account_id, request_id, client_request_id, api_key_id, model_id, model_key, provider, tier,
      stream, status, input_tokens, output_tokens, cached_input_tokens, cached_output_tokens, credits_used,
      credits_charged, shortfall, usd_cost, provider_cost_usd, usage_source, price_id, frozen, outcome, created_at)
    select f.account_id, f.id, f.client_request_id, f.api_key_id, f.model_id, coalesce(f.facts ->> 'modelKey', ''),
        i.provider, f.tier, f.stream, i.status, coalesce(i.input_tokens, 0), coalesce(i.output_tokens, 0),
        coalesce(i.cached_input_tokens, 0), coalesce(i.cached_output_tokens, 0), e.charged + e.shortfall, e.charged,
        e.shortfall, coalesce(i.usd_cost, 0), coalesce(i.provider_cost_usd, 0), coalesce(i.usage_source, 'unavailable'),
        f.price_id, e.amount, f.outcome, f.created_at
      from ended e
      join jsonb_to_recordset(p_items) as i (${ITEM_COLUMNS}) on i.account_id = e.account_id and i.id = e.id
      join wallet_freeze f on f.account_id = e.account_id and f.id = e.id
  on conflict (account_id, request_id) do update set
      provider = excluded.provider, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
      cached_input_tokens = excluded.cached_input_tokens, cached_output_tokens = excluded.cached_output_tokens,
      credits_used = excluded.credits_used, shortfall = excluded.shortfall, usd_cost = excluded.usd_cost,
      provider_cost_usd = excluded.provider_cost_usd, usage_source = excluded.usage_source, outcome = excluded.outcome,
      settled_at = now()
    where u.status in ('expired', 'released') and u.outcome is null
  returning u.account_id, u.request_id, u.status, u.credits_used, u.credits_charged, u.shortfall;
end $$;
`;

/**
 * Ends held freezes whose process lease is over, as 'expired'. A database that has just started gives the living
 * processes a grace time to renew their leases first.
 */
const EXPIRE = `
create function billing_expire_dead(p_limit integer, p_grace interval) returns table (account_id uuid, id text) ${HOT} as $$
#variable_conflict use_column
declare
  v_items jsonb;
begin
  if now() - pg_postmaster_start_time() < p_grace then return; end if;
  select jsonb_agg(jsonb_build_object('account_id', d.account_id, 'id', d.id, 'kind', 'expire', 'status', 'expired'))
    into v_items
    from (select f.account_id, f.id from wallet_freeze f
      where f.state = 'held' and not exists (
        select from process_lease p where p.process_id = f.process_id and p.lease_until > now())
      order by f.id limit p_limit for no key update skip locked) d;
  if v_items is null then return; end if;
  return query select s.account_id, s.id from billing_settle(v_items) s;
end $$;
`;

export class SettlementFunctions1764000001200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const part of [SETTLE, EXPIRE]) await runner.query(part);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop function billing_expire_dead, billing_settle');
  }
}
