import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Every function below locks in one order: freeze rows (by id), wallet rows (by account and tier), quota rows (by account,
 * key and day). Nothing that holds a later kind waits for an earlier one, so there are no deadlocks.
 *
 * The settings: these plans are cached for the life of a connection. One made while a table was almost empty would scan it
 * for ever, so sequential scans are off and the keys are always used; and planning anew for each batch costs more than the
 * batch, so the generic plan is forced.
 */
const HOT = 'language plpgsql set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan';

/** Columns of one member of a batch of freezes. */
const FREEZE_COLUMNS = `account_id uuid, id text, tier text, api_key_id uuid, amount bigint, limit_daily bigint,
  limit_weekly bigint, limit_rpm integer, limit_concurrency integer, model_id uuid, price_id uuid,
  client_request_id text, stream boolean, facts jsonb`;

/** `rate_limited` keeps the two rate indexes empty for keys without such limits; `retry_at` spaces failing settlements. */
const COLUMNS = `
alter table wallet_freeze add column rate_limited boolean not null default false, add column retry_at timestamptz;
create index wallet_freeze_rate on wallet_freeze (api_key_id, created_at) where rate_limited;
create index wallet_freeze_concurrency on wallet_freeze (api_key_id) where rate_limited and state = 'held';
`;

/**
 * Checks the limits of one key under the lock of its quota row of the day and, when they allow it, reserves the amount.
 * A weekly limit also takes the row of the week's Monday, so that two days of one week cannot pass it together.
 */
const QUOTA_RESERVE = `
create function wallet_quota_reserve(
  p_account uuid, p_key uuid, p_day date, p_amount bigint,
  p_daily bigint, p_weekly bigint, p_rpm integer, p_concurrency integer,
  out refusal text, out retry_after_s integer
) ${HOT} as $$
declare
  v_today bigint;
  v_week bigint;
  v_monday date := p_day - (extract(isodow from p_day)::integer - 1);
  v_day date;
  v_freed_at timestamptz;
begin
  foreach v_day in array case when p_weekly is null or v_monday = p_day then array[p_day] else array[v_monday, p_day] end
  loop
    insert into quota_day (account_id, api_key_id, day) values (p_account, p_key, v_day) on conflict do nothing;
    select q.used into v_today from quota_day q
      where q.account_id = p_account and q.api_key_id = p_key and q.day = v_day for no key update;
  end loop;
  if p_daily is not null and v_today + p_amount > p_daily then
    refusal := 'daily_quota';
    return;
  end if;
  if p_weekly is not null then
    select coalesce(sum(q.used), 0) into v_week from quota_day q
      where q.account_id = p_account and q.api_key_id = p_key and q.day between v_monday and v_monday + 6;
    if v_week + p_amount > p_weekly then
      refusal := 'weekly_quota';
      return;
    end if;
  end if;
  if p_rpm is not null then
    select min(recent.created_at) into v_freed_at from (
      select f.created_at from wallet_freeze f
        where f.api_key_id = p_key and f.rate_limited and f.created_at > now() - interval '60 seconds'
        order by f.created_at desc limit p_rpm) recent having count(*) >= p_rpm;
    if found then
      refusal := 'rate_limit';
      retry_after_s := greatest(1, ceil(extract(epoch from coalesce(v_freed_at, now()) + interval '60 seconds' - now())));
      return;
    end if;
  end if;
  if p_concurrency is not null then
    perform 1 from (select from wallet_freeze f where f.api_key_id = p_key and f.rate_limited and f.state = 'held'
      limit p_concurrency) held having count(*) >= p_concurrency;
    if found then
      refusal := 'concurrency_limit';
      retry_after_s := 1;
      return;
    end if;
  end if;
  update quota_day q set used = q.used + p_amount
    where q.account_id = p_account and q.api_key_id = p_key and q.day = p_day;
end $$;
`;

/** One freeze for a caller that is alone: the guarded update is the check. A refusal by a limit undoes it unseen. */
const FREEZE_ONE = `
create function wallet_freeze_one(
  p_process uuid, p_account uuid, p_id text, p_tier text, p_api_key uuid, p_amount bigint, p_daily bigint, p_weekly bigint,
  p_rpm integer, p_concurrency integer, p_model uuid, p_price uuid, p_client text, p_stream boolean, p_facts jsonb,
  out refusal text, out available bigint, out frozen bigint, out retry_after_s integer
) ${HOT} as $$
declare
  v_day date := (now() at time zone 'utc')::date;
  v_seq bigint;
begin
  update wallet w set available = w.available - p_amount, frozen = w.frozen + p_amount, seq = w.seq + 1
    where w.account_id = p_account and w.tier = p_tier and w.available >= p_amount
    returning w.available, w.frozen, w.seq into available, frozen, v_seq;
  if not found then
    select w.available, w.frozen into available, frozen from wallet w where w.account_id = p_account and w.tier = p_tier;
    refusal := case when found then 'wallet_too_low' else 'wallet_missing' end;
    return;
  end if;
  if p_daily is null and p_weekly is null and p_rpm is null and p_concurrency is null then
    insert into quota_day as q (account_id, api_key_id, day, used) values (p_account, p_api_key, v_day, p_amount)
      on conflict (account_id, api_key_id, day) do update set used = q.used + excluded.used;
  else
    select r.refusal, r.retry_after_s into refusal, retry_after_s
      from wallet_quota_reserve(p_account, p_api_key, v_day, p_amount, p_daily, p_weekly, p_rpm, p_concurrency) r;
    if refusal is not null then
      update wallet w set available = w.available + p_amount, frozen = w.frozen - p_amount, seq = w.seq - 1
        where w.account_id = p_account and w.tier = p_tier returning w.available, w.frozen into available, frozen;
      return;
    end if;
  end if;
  insert into wallet_freeze (account_id, id, tier, api_key_id, process_id, amount, quota_day, model_id, price_id,
      client_request_id, stream, facts, rate_limited)
    values (p_account, p_id, p_tier, p_api_key, p_process, p_amount, v_day, p_model, p_price, p_client, p_stream, p_facts,
      p_rpm is not null or p_concurrency is not null);
  insert into ledger_entry (account_id, tier, seq, kind, freeze_id, available_delta, frozen_delta, available_after,
      frozen_after, idempotency_key)
    values (p_account, p_tier, v_seq, 'freeze', p_id, -p_amount, p_amount, available, frozen, 'freeze:' || p_id);
end $$;
`;

/**
 * Many freezes in one statement and one commit. The members are served in order while they fit; one that does not fit is
 * refused alone. Balances and quotas are carried in arrays, then written with one statement a table.
 */
const FREEZE_MANY = `
create function wallet_freeze_many(p_process uuid, p_requests jsonb) returns table (
  refusal text, available bigint, frozen bigint, retry_after_s integer
) ${HOT} as $$
#variable_conflict use_column
declare
  v_day date := (now() at time zone 'utc')::date;
  v_monday date := v_day - (extract(isodow from v_day)::integer - 1);
  v record;
  n integer;
  r_wallet integer[]; r_quota integer[]; r_id text[]; r_amount bigint[]; r_daily bigint[]; r_weekly bigint[];
  r_rpm integer[]; r_concurrency integer[];
  r_refusal text[]; r_available bigint[]; r_frozen bigint[]; r_seq bigint[]; r_retry integer[];
  w_account uuid[]; w_tier text[]; w_available bigint[]; w_frozen bigint[]; w_seq bigint[];
  q_account uuid[]; q_key uuid[]; q_weekly boolean[]; q_rated boolean[]; q_today bigint[]; q_week bigint[];
  q_recent integer[]; q_held integer[];
  i integer; w integer; q integer; a bigint;
begin
  select array_agg(m.wallet_no order by m.ord), array_agg(m.quota_no order by m.ord), array_agg(m.id order by m.ord),
      array_agg(m.amount order by m.ord), array_agg(m.limit_daily order by m.ord), array_agg(m.limit_weekly order by m.ord),
      array_agg(m.limit_rpm order by m.ord), array_agg(m.limit_concurrency order by m.ord), count(*)
    into r_wallet, r_quota, r_id, r_amount, r_daily, r_weekly, r_rpm, r_concurrency, n
    from (select r.*, dense_rank() over (order by r.account_id, r.tier)::integer as wallet_no,
        dense_rank() over (order by r.account_id, r.api_key_id)::integer as quota_no
      from rows from (jsonb_to_recordset(p_requests) as (${FREEZE_COLUMNS})) with ordinality as r (account_id, id, tier,
        api_key_id, amount, limit_daily, limit_weekly, limit_rpm, limit_concurrency, model_id, price_id,
        client_request_id, stream, facts, ord)) m;
  select array_agg(d.account_id order by d.account_id, d.tier), array_agg(d.tier order by d.account_id, d.tier)
    into w_account, w_tier
    from (select distinct r.account_id, r.tier from jsonb_to_recordset(p_requests) as r (account_id uuid, tier text)) d;
  select array_agg(d.account_id order by d.account_id, d.api_key_id), array_agg(d.api_key_id order by d.account_id, d.api_key_id),
      array_agg(d.weekly order by d.account_id, d.api_key_id), array_agg(d.rated order by d.account_id, d.api_key_id)
    into q_account, q_key, q_weekly, q_rated
    from (select r.account_id, r.api_key_id, bool_or(r.limit_weekly is not null) as weekly,
        bool_or(r.limit_rpm is not null or r.limit_concurrency is not null) as rated
      from jsonb_to_recordset(p_requests)
        as r (account_id uuid, api_key_id uuid, limit_weekly bigint, limit_rpm integer, limit_concurrency integer)
      group by r.account_id, r.api_key_id) d;

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

  q_today := array_fill(null::bigint, array[cardinality(q_account)]);
  q_week := array_fill(0::bigint, array[cardinality(q_account)]);
  q_recent := array_fill(0, array[cardinality(q_account)]);
  q_held := q_recent;
  insert into quota_day (account_id, api_key_id, day)
    select k.account_id, k.api_key_id, d.day
      from unnest(q_account, q_key, q_weekly) with ordinality as k (account_id, api_key_id, weekly, no)
      cross join lateral (select v_monday as day where k.weekly and v_monday <> v_day union all select v_day) d
      where not exists (select from quota_day s
        where s.account_id = k.account_id and s.api_key_id = k.api_key_id and s.day = d.day)
      order by k.no, d.day
    on conflict do nothing;
  for v in select k.no, s.day, s.used from unnest(q_account, q_key, q_weekly) with ordinality as k (account_id, api_key_id, weekly, no)
      join quota_day s on s.account_id = k.account_id and s.api_key_id = k.api_key_id
        and (s.day = v_day or (k.weekly and s.day = v_monday))
      order by s.account_id, s.api_key_id, s.day for no key update of s
  loop
    if v.day = v_day then q_today[v.no] := v.used; end if;
  end loop;
  for q in 1 .. cardinality(q_key) loop
    if q_weekly[q] then
      q_week[q] := (select coalesce(sum(s.used), 0) from quota_day s where s.account_id = q_account[q]
        and s.api_key_id = q_key[q] and s.day between v_monday and v_monday + 6 and s.day <> v_day);
    end if;
    if q_rated[q] then
      q_recent[q] := (select count(*) from wallet_freeze f
        where f.api_key_id = q_key[q] and f.rate_limited and f.created_at > now() - interval '60 seconds');
      q_held[q] := (select count(*) from wallet_freeze f
        where f.api_key_id = q_key[q] and f.rate_limited and f.state = 'held');
    end if;
  end loop;

  r_refusal := array_fill(null::text, array[n]);
  r_available := array_fill(null::bigint, array[n]);
  r_frozen := r_available;
  r_seq := r_available;
  r_retry := array_fill(null::integer, array[n]);
  for i in 1 .. n loop
    w := r_wallet[i];
    q := r_quota[i];
    a := r_amount[i];
    if w_seq[w] is null then
      r_refusal[i] := 'wallet_missing';
    elsif w_available[w] < a then
      r_refusal[i] := 'wallet_too_low';
    elsif r_daily[i] is not null and q_today[q] + a > r_daily[i] then
      r_refusal[i] := 'daily_quota';
    elsif r_weekly[i] is not null and q_week[q] + q_today[q] + a > r_weekly[i] then
      r_refusal[i] := 'weekly_quota';
    elsif r_rpm[i] is not null and q_recent[q] >= r_rpm[i] then
      r_refusal[i] := 'rate_limit';
      r_retry[i] := (select greatest(1, ceil(extract(epoch from coalesce(min(t.created_at), now())
          + interval '60 seconds' - now()))) from (select f.created_at from wallet_freeze f
        where f.api_key_id = q_key[q] and f.rate_limited and f.created_at > now() - interval '60 seconds'
        order by f.created_at desc limit r_rpm[i]) t);
    elsif r_concurrency[i] is not null and q_held[q] >= r_concurrency[i] then
      r_refusal[i] := 'concurrency_limit';
      r_retry[i] := 1;
    else
      w_available[w] := w_available[w] - a;
      w_frozen[w] := w_frozen[w] + a;
      w_seq[w] := w_seq[w] + 1;
      q_today[q] := q_today[q] + a;
      if q_rated[q] then
        q_recent[q] := q_recent[q] + 1;
        q_held[q] := q_held[q] + 1;
      end if;
      r_seq[i] := w_seq[w];
    end if;
    r_available[i] := w_available[w];
    r_frozen[i] := w_frozen[w];
  end loop;

  insert into wallet_freeze (account_id, id, tier, api_key_id, process_id, amount, quota_day, model_id, price_id,
      client_request_id, stream, facts, rate_limited)
    select r.account_id, r.id, r.tier, r.api_key_id, p_process, r.amount, v_day, r.model_id, r.price_id,
        r.client_request_id, r.stream, r.facts, r.limit_rpm is not null or r.limit_concurrency is not null
      from rows from (jsonb_to_recordset(p_requests) as (${FREEZE_COLUMNS})) with ordinality as r (account_id, id, tier,
        api_key_id, amount, limit_daily, limit_weekly, limit_rpm, limit_concurrency, model_id, price_id,
        client_request_id, stream, facts, ord)
      where r_seq[r.ord] is not null;
  insert into ledger_entry (account_id, tier, seq, kind, freeze_id, available_delta, frozen_delta, available_after,
      frozen_after, idempotency_key)
    select w_account[r.wallet], w_tier[r.wallet], r.seq, 'freeze', r.id, -r.amount, r.amount, r.available, r.frozen,
        'freeze:' || r.id
      from unnest(r_wallet, r_seq, r_id, r_amount, r_available, r_frozen) as r (wallet, seq, id, amount, available, frozen)
      where r.seq is not null;
  update wallet s set available = k.available, frozen = k.frozen, seq = k.seq
    from unnest(w_account, w_tier, w_available, w_frozen, w_seq) as k (account_id, tier, available, frozen, seq)
    where s.account_id = k.account_id and s.tier = k.tier and s.seq <> k.seq;
  update quota_day s set used = k.used from unnest(q_account, q_key, q_today) as k (account_id, api_key_id, used)
    where s.account_id = k.account_id and s.api_key_id = k.api_key_id and s.day = v_day and s.used <> k.used;
  return query select * from unnest(r_refusal, r_available, r_frozen, r_retry);
end $$;
`;

export class WalletFunctions1764000001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const part of [COLUMNS, QUOTA_RESERVE, FREEZE_ONE, FREEZE_MANY]) await runner.query(part);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop function wallet_freeze_many, wallet_freeze_one, wallet_quota_reserve;
      drop index wallet_freeze_rate, wallet_freeze_concurrency;
      alter table wallet_freeze drop column rate_limited, drop column retry_at;
    `);
  }
}
