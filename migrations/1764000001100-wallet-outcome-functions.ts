import type { MigrationInterface, QueryRunner } from 'typeorm';

/** See the first wallet migration for the lock order and for why sequential scans are off. */
const HOT = 'language plpgsql set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan';

/** Adds to a held freeze, all or nothing, within its wallet and the quota window in which it was made. */
const EXTEND = `
create function wallet_extend(
  p_account uuid, p_id text, p_extra bigint, p_daily bigint, p_weekly bigint,
  out refusal text, out frozen bigint, out available bigint
) ${HOT} as $$
declare
  v_freeze record;
  v_wallet record;
begin
  select f.tier, f.api_key_id, f.amount, f.extensions, f.quota_day, f.state into v_freeze
    from wallet_freeze f where f.account_id = p_account and f.id = p_id for no key update;
  frozen := coalesce(v_freeze.amount, 0);
  if v_freeze.state is distinct from 'held' then
    refusal := 'freeze_ended';
    return;
  end if;
  update wallet w set available = w.available - p_extra, frozen = w.frozen + p_extra, seq = w.seq + 1
    where w.account_id = p_account and w.tier = v_freeze.tier and w.available >= p_extra
    returning w.available, w.frozen, w.seq into v_wallet;
  if not found then
    refusal := 'wallet_too_low';
    return;
  end if;
  available := v_wallet.available;
  select r.refusal into refusal from wallet_quota_reserve(
    p_account, v_freeze.api_key_id, v_freeze.quota_day, p_extra, p_daily, p_weekly, null, null) r;
  if refusal is not null then
    update wallet w set available = w.available + p_extra, frozen = w.frozen - p_extra, seq = w.seq - 1
      where w.account_id = p_account and w.tier = v_freeze.tier returning w.available into available;
    return;
  end if;
  update wallet_freeze f set amount = f.amount + p_extra, extensions = f.extensions + 1
    where f.account_id = p_account and f.id = p_id returning f.amount into frozen;
  insert into ledger_entry (account_id, tier, seq, kind, freeze_id, available_delta, frozen_delta, available_after,
      frozen_after, idempotency_key)
    values (p_account, v_freeze.tier, v_wallet.seq, 'extend', p_id, -p_extra, p_extra, v_wallet.available,
      v_wallet.frozen, 'extend:' || p_id || ':' || (v_freeze.extensions + 1));
end $$;
`;

/**
 * Writes an outcome onto its freeze. One that comes after the freeze has ended is written too ('late'): the row is
 * captured again with ended_at set, which says that nothing is frozen for it any more, and its price becomes a shortfall.
 */
const CAPTURE = `
create function wallet_capture_one(p_account uuid, p_id text, p_outcome jsonb) returns text ${HOT} as $$
declare
  v_freeze record;
begin
  update wallet_freeze f set state = 'captured', outcome = p_outcome, captured_at = now()
    where f.account_id = p_account and f.id = p_id and f.state = 'held';
  if found then return 'captured'; end if;
  select f.state, f.outcome into v_freeze from wallet_freeze f
    where f.account_id = p_account and f.id = p_id for no key update;
  if not found then return 'missing'; end if;
  if v_freeze.outcome is null then
    update wallet_freeze f set state = 'captured', outcome = p_outcome, captured_at = now()
      where f.account_id = p_account and f.id = p_id;
    return 'late';
  end if;
  return case when v_freeze.outcome = p_outcome then 'duplicate' else 'drift' end;
end $$;

create function wallet_capture_many(p_items jsonb) returns setof text ${HOT} as $$
#variable_conflict use_column
declare
  v_result text[];
  v record;
begin
  v_result := array_fill(null::text, array[jsonb_array_length(p_items)]);
  for v in
    with item as materialized (
      select i.account_id, i.id, i.outcome, i.ord
        from rows from (jsonb_to_recordset(p_items) as (account_id uuid, id text, outcome jsonb))
          with ordinality as i (account_id, id, outcome, ord)
    ), first as (
      select distinct on (account_id, id) account_id, id, outcome, ord from item order by account_id, id, ord
    )
    update wallet_freeze f set state = 'captured', outcome = i.outcome, captured_at = now()
      from first i where f.account_id = i.account_id and f.id = i.id and f.state = 'held'
      returning i.ord
  loop
    v_result[v.ord] := 'captured';
  end loop;
  for v in select i.ord, i.account_id, i.id, i.outcome
    from rows from (jsonb_to_recordset(p_items) as (account_id uuid, id text, outcome jsonb))
      with ordinality as i (account_id, id, outcome, ord)
    where v_result[i.ord] is null order by i.id, i.ord
  loop
    v_result[v.ord] := wallet_capture_one(v.account_id, v.id, v.outcome);
  end loop;
  return query select unnest(v_result);
end $$;
`;

/**
 * Ends freezes: 'settle' charges 'used' (captured ones), 'release' charges nothing (held or captured), 'expire' ends held
 * ones. A freeze in another state is passed over and not returned, so a second run changes nothing. The idempotency key
 * 'end:<id>' lets the database refuse a second end of any kind.
 */
const END_MANY = `
create function wallet_end_many(p_items jsonb) returns table (
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
  with item as materialized (
    select distinct on (i.account_id, i.id) i.account_id, i.id, i.kind, case when i.kind = 'settle' then i.used else 0 end as used
      from jsonb_to_recordset(p_items) as i (account_id uuid, id text, kind text, used bigint)
      order by i.account_id, i.id
  ), locked as materialized (
    select f.account_id, f.id, f.tier, f.api_key_id, f.quota_day, f.amount, f.captured_at, f.ended_at is not null as late,
        i.kind, i.used
      from item i join wallet_freeze f on f.account_id = i.account_id and f.id = i.id
      where case i.kind when 'settle' then f.state = 'captured' when 'release' then f.state in ('held', 'captured')
        when 'expire' then f.state = 'held' else false end
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
  update wallet_freeze f
    set ended_at = coalesce(f.ended_at, now()), retry_at = null,
      state = case when r.late then (select case e.kind when 'expire' then 'expired' else 'released' end
          from ledger_entry e where e.account_id = r.account_id and e.idempotency_key = 'end:' || r.id)
        else case r.kind when 'settle' then 'settled' when 'release' then 'released' else 'expired' end end
    from unnest(r_account, r_id, r_kind, r_late) as r (account_id, id, kind, late)
    where f.account_id = r.account_id and f.id = r.id;
  return query select * from unnest(r_account, r_id, r_kind, r_late, r_amount, r_charged, r_shortfall);
end $$;
`;

/** Top-ups and adjustments. The key is unique for the account for ever: the same content replays, another one conflicts. */
const CREDIT = `
create function wallet_credit(
  p_account uuid, p_tier text, p_kind text, p_amount bigint, p_key text, p_note text,
  out result text, out seq bigint, out available bigint, out frozen bigint
) ${HOT} as $$
declare
  v_status text;
  v_entry record;
begin
  select a.status into v_status from account a where a.id = p_account for share;
  if v_status is null or v_status = 'closed' then
    result := case when v_status is null then 'account_missing' else 'account_closed' end;
    return;
  end if;
  insert into wallet (account_id, tier) values (p_account, p_tier) on conflict do nothing;
  select w.available, w.frozen, w.seq into available, frozen, seq
    from wallet w where w.account_id = p_account and w.tier = p_tier for no key update;
  select e.* into v_entry from ledger_entry e where e.account_id = p_account and e.idempotency_key = p_key;
  if found then
    result := case when v_entry.kind = p_kind and v_entry.tier = p_tier and v_entry.available_delta = p_amount
      and v_entry.note is not distinct from p_note then 'replayed' else 'conflict' end;
    seq := v_entry.seq;
    return;
  end if;
  if available + p_amount < 0 then
    result := 'too_low';
    return;
  end if;
  update wallet w set available = w.available + p_amount, seq = w.seq + 1
    where w.account_id = p_account and w.tier = p_tier returning w.available, w.seq into available, seq;
  insert into ledger_entry (account_id, tier, seq, kind, available_delta, frozen_delta, available_after, frozen_after,
      idempotency_key, note)
    values (p_account, p_tier, seq, p_kind, p_amount, 0, available, frozen, p_key, p_note);
  result := 'applied';
end $$;
`;

export class WalletOutcomeFunctions1764000001100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const part of [EXTEND, CAPTURE, END_MANY, CREDIT]) await runner.query(part);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'drop function wallet_credit, wallet_end_many, wallet_capture_many, wallet_capture_one, wallet_extend',
    );
  }
}
