import type { MigrationInterface, QueryRunner } from 'typeorm';

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
  ${insertUsage(
    `from unnest(e_account, e_id, e_charged, e_shortfall) as e (account_id, id, charged, shortfall)
      join jsonb_to_recordset(p_items) as i (${ITEM_COLUMNS}) on i.account_id = e.account_id and i.id = e.id
      join wallet_freeze f on f.account_id = any (array[e.account_id]) and f.id = any (array[e.id])`,
    { used: 'e.charged + e.shortfall', charged: 'e.charged', shortfall: 'e.shortfall' },
  )}
  ${COMPLETE_LATE}
  ${RETURNING};
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
  ${insertUsage(
    `from ended e
      join jsonb_to_recordset(p_items) as i (${ITEM_COLUMNS}) on i.account_id = e.account_id and i.id = e.id
      join wallet_freeze f on f.account_id = any (array[e.account_id]) and f.id = any (array[e.id])`,
    { used: 'e.charged + e.shortfall', charged: 'e.charged', shortfall: 'e.shortfall' },
  )}
  ${COMPLETE_LATE}
  ${RETURNING};
end $$;
`;

/** What of a batch may be ended, locked and numbered by wallet and quota row, in the order of settlement. */
const NUMBERED = `
  with item as materialized (
    select distinct on (i.account_id, i.id) i.account_id, i.id, i.kind, case when i.kind = 'settle' then i.used else 0 end as used
      from jsonb_to_recordset(p_items) as i (account_id uuid, id text, kind text, used bigint)
      order by i.account_id, i.id
  ), locked as materialized (
    select f.account_id, f.id, f.tier, f.api_key_id, f.quota_day, f.amount, f.captured_at, f.ended_at is not null as late,
        i.kind, i.used
      from item i join wallet_freeze f on f.account_id = any (array[i.account_id]) and f.id = any (array[i.id])
      where ${MAY_END}
      order by f.id for no key update of f
  ), numbered as (
    select l.*, row_number() over (order by l.captured_at, l.id) as ord,
      dense_rank() over (order by l.account_id, l.tier)::integer as wallet_no,
      dense_rank() over (order by l.account_id, l.api_key_id, l.quota_day)::integer as quota_no
      from locked l
  )
  select count(*), array_agg(m.account_id order by m.ord), array_agg(m.id order by m.ord), array_agg(m.tier order by m.ord),
      array_agg(m.kind order by m.ord), array_agg(m.late order by m.ord), array_agg(m.amount order by m.ord),
      array_agg(m.used order by m.ord), array_agg(m.wallet_no order by m.ord), array_agg(m.quota_no order by m.ord),
      (select array_agg(d.account_id order by d.wallet_no) from (select distinct s.wallet_no, s.account_id from numbered s) d),
      (select array_agg(d.tier order by d.wallet_no) from (select distinct s.wallet_no, s.tier from numbered s) d),
      (select array_agg(d.account_id order by d.quota_no) from (select distinct s.quota_no, s.account_id from numbered s) d),
      (select array_agg(d.api_key_id order by d.quota_no) from (select distinct s.quota_no, s.api_key_id from numbered s) d),
      (select array_agg(d.quota_day order by d.quota_no) from (select distinct s.quota_no, s.quota_day from numbered s) d)
    into n, r_account, r_id, r_tier, r_kind, r_late, r_amount, r_used, r_wallet, r_quota, w_account, w_tier,
      q_account, q_key, q_day
    from numbered m;
  if n = 0 then return; end if;
`;

const END_FREEZES = `
  update wallet_freeze f
    set ended_at = coalesce(f.ended_at, now()), retry_at = null,
      state = case when r.late then (select case e.kind when 'expire' then 'expired' else 'released' end
          from ledger_entry e where e.account_id = r.account_id and e.idempotency_key = 'end:' || r.id)
        else case r.kind when 'settle' then 'settled' when 'release' then 'released' else 'expired' end end
    from unnest(r_account, r_id, r_kind, r_late) as r (account_id, id, kind, late)
    where f.account_id = any (array[r.account_id]) and f.id = any (array[r.id]);
`;

const MOVE_CREDITS = `
  w_available := array_fill(null::bigint, array[cardinality(w_account)]);
  w_frozen := w_available;
  w_seq := w_available;
  for v in select k.no, s.available, s.frozen, s.seq from unnest(w_account, w_tier) with ordinality as k (account_id, tier, no)
      join wallet s on s.account_id = k.account_id and s.tier = k.tier
      order by s.account_id, s.tier for no key update of s
  loop
    w_available[v.no] := v.available;
    w_frozen[v.no] := v.frozen;
    w_seq[v.no] := v.seq;
  end loop;

  q_delta := array_fill(0::bigint, array[cardinality(q_key)]);
  r_charged := array_fill(0::bigint, array[n]);
  r_shortfall := r_charged; r_seq := array_fill(null::bigint, array[n]); r_delta := r_charged;
  r_available := r_charged; r_frozen := r_charged;
  for i in 1 .. n loop
    w := r_wallet[i];
    q := r_quota[i];
    a := r_amount[i];
    u := r_used[i];
    if r_late[i] then
      r_shortfall[i] := u;
      q_delta[q] := q_delta[q] + u;
    else
      -- What was not used goes back; what is missing is taken as far as it goes.
      back := greatest(a - u, -w_available[w]);
      r_charged[i] := a - back;
      r_shortfall[i] := u - r_charged[i];
      w_available[w] := w_available[w] + back;
      w_frozen[w] := w_frozen[w] - a;
      w_seq[w] := w_seq[w] + 1;
      q_delta[q] := q_delta[q] + u - a;
      r_seq[i] := w_seq[w];
      r_delta[i] := back;
      r_available[i] := w_available[w];
      r_frozen[i] := w_frozen[w];
    end if;
  end loop;

  insert into ledger_entry (account_id, tier, seq, kind, freeze_id, available_delta, frozen_delta, available_after,
      frozen_after, idempotency_key)
    select r.account_id, r.tier, r.seq, r.kind, r.id, r.delta, -r.amount, r.available, r.frozen, 'end:' || r.id
      from unnest(r_account, r_tier, r_seq, r_kind, r_id, r_delta, r_amount, r_available, r_frozen)
        as r (account_id, tier, seq, kind, id, delta, amount, available, frozen)
      where r.seq is not null;
  update wallet s set available = k.available, frozen = k.frozen, seq = k.seq
    from unnest(w_account, w_tier, w_available, w_frozen, w_seq) as k (account_id, tier, available, frozen, seq)
    where s.account_id = k.account_id and s.tier = k.tier and s.seq <> k.seq;
  perform 1 from unnest(q_account, q_key, q_day, q_delta) as k (account_id, api_key_id, day, delta)
    join quota_day s on s.account_id = k.account_id and s.api_key_id = k.api_key_id and s.day = k.day
    where k.delta <> 0 order by s.account_id, s.api_key_id, s.day for no key update of s;
  update quota_day s set used = s.used + k.delta
    from unnest(q_account, q_key, q_day, q_delta) as k (account_id, api_key_id, day, delta)
    where s.account_id = k.account_id and s.api_key_id = k.api_key_id and s.day = k.day and k.delta <> 0;
  insert into platform_shortfall (account_id, request_id, tier, amount)
    select r.account_id, r.id, r.tier, r.shortfall from unnest(r_account, r_id, r_tier, r_shortfall)
      as r (account_id, id, tier, shortfall) where r.shortfall > 0;
`;

/** Ends freezes in every wallet they are of. @param parts what is done, in order. */
function endMany(...parts: readonly string[]): string {
  return `
create or replace function wallet_end_many(p_items jsonb) returns table (
  account_id uuid, id text, kind text, late boolean, amount bigint, charged bigint, shortfall bigint
) ${HOT} as $$
#variable_conflict use_column
declare
  v record;
  n integer;
  r_account uuid[]; r_id text[]; r_tier text[]; r_kind text[]; r_late boolean[]; r_amount bigint[]; r_used bigint[];
  r_wallet integer[]; r_quota integer[]; r_charged bigint[]; r_shortfall bigint[]; r_seq bigint[]; r_delta bigint[];
  r_available bigint[]; r_frozen bigint[];
  w_account uuid[]; w_tier text[]; w_available bigint[]; w_frozen bigint[]; w_seq bigint[];
  q_account uuid[]; q_key uuid[]; q_day date[]; q_delta bigint[];
  i integer; w integer; q integer; a bigint; u bigint; back bigint;
begin
${parts.join('')}
  return query select * from unnest(r_account, r_id, r_kind, r_late, r_amount, r_charged, r_shortfall);
end $$;
`;
}

export class ShortWalletLocks1764000014200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const part of [endMany(NUMBERED, END_FREEZES, MOVE_CREDITS), SETTLE]) await runner.query(part);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const part of [endMany(NUMBERED, MOVE_CREDITS, END_FREEZES), SETTLE_AFTER_END]) await runner.query(part);
  }
}
