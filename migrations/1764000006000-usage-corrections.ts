import type { MigrationInterface, QueryRunner } from 'typeorm';

const HOT = 'language plpgsql set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan';

/**
 * Two more kinds of ledger rows: 'reversal' gives back what a settled request was charged, 'correction' charges what it
 * should have been. A usage record counts its corrections; each is kept with what it replaced, by whom and why.
 * The check of the kinds is replaced without reading the table: the wider one holds for every row that passed the narrower.
 */
const TABLES = `
alter table ledger_entry drop constraint ledger_entry_kind_check;
alter table ledger_entry add constraint ledger_entry_kind_check check (
  kind in ('top_up', 'freeze', 'extend', 'settle', 'release', 'expire', 'adjust', 'reversal', 'correction')) not valid;
alter table usage_record add column corrections integer not null default 0;
create table usage_correction (
  account_id uuid not null,
  request_id text not null,
  number integer not null check (number > 0),
  reason text not null,
  actor text not null,
  idempotency_key text not null,
  before jsonb not null,
  after jsonb not null,
  created_at timestamptz not null default now(),
  primary key (account_id, request_id, number),
  unique (account_id, idempotency_key),
  foreign key (account_id, request_id) references usage_record (account_id, request_id)
);
create trigger usage_correction_immutable before update or delete or truncate on usage_correction
  for each statement execute function refuse_ledger_rewrite();
`;

/** The amounts, tokens and price of a usage record, as a correction keeps them. Amounts are decimal text of micro-units. */
const SNAPSHOT = `
create function usage_snapshot(u usage_record) returns jsonb language sql immutable as $$
  select jsonb_build_object('price_id', u.price_id, 'input_tokens', u.input_tokens, 'output_tokens', u.output_tokens,
    'cached_input_tokens', u.cached_input_tokens, 'cached_output_tokens', u.cached_output_tokens,
    'credits_used', u.credits_used::text, 'credits_charged', u.credits_charged::text, 'shortfall', u.shortfall::text,
    'usd_cost', u.usd_cost::text, 'provider_cost_usd', u.provider_cost_usd::text)
$$;
`;

/**
 * Corrects a settled request, in the lock order of the wallet functions: freeze row, wallet row, quota row. The charge of
 * before goes back as one row, the right one is taken as far as the wallet goes as another; the rest is a shortfall.
 * The quota window in which the request was frozen follows the price.
 */
const CORRECT = `
create function billing_correct(p jsonb, out result text, out number integer) ${HOT} as $$
declare
  v_account uuid := (p ->> 'account_id')::uuid;
  v_id text := p ->> 'id';
  v_used bigint := (p ->> 'used')::bigint;
  v_freeze record;
  v_wallet record;
  u usage_record;
  v_before jsonb;
  v_charged bigint;
  v_shortfall bigint;
  v_old_used bigint;
begin
  select f.tier, f.api_key_id, f.quota_day into v_freeze
    from wallet_freeze f where f.account_id = v_account and f.id = v_id for no key update;
  if not found then
    result := 'not_settled';
    return;
  end if;
  select r.* into u from usage_record r where r.account_id = v_account and r.request_id = v_id for no key update;
  if not found or u.status <> 'settled' then
    result := 'not_settled';
    return;
  end if;
  if u.corrections <> (p ->> 'corrections')::integer then
    result := 'changed_meanwhile';
    return;
  end if;
  v_before := usage_snapshot(u);
  v_old_used := u.credits_used;
  number := u.corrections + 1;
  update wallet w set available = w.available + u.credits_charged, seq = w.seq + 1
    where w.account_id = v_account and w.tier = v_freeze.tier returning w.available, w.frozen, w.seq into v_wallet;
  insert into ledger_entry (account_id, tier, seq, kind, freeze_id, available_delta, frozen_delta, available_after,
      frozen_after, idempotency_key, note)
    values (v_account, v_freeze.tier, v_wallet.seq, 'reversal', v_id, u.credits_charged, 0, v_wallet.available,
      v_wallet.frozen, 'reversal:' || v_id || ':' || number, p ->> 'reason');
  v_charged := least(v_used, v_wallet.available);
  v_shortfall := v_used - v_charged;
  update wallet w set available = w.available - v_charged, seq = w.seq + 1
    where w.account_id = v_account and w.tier = v_freeze.tier returning w.available, w.frozen, w.seq into v_wallet;
  insert into ledger_entry (account_id, tier, seq, kind, freeze_id, available_delta, frozen_delta, available_after,
      frozen_after, idempotency_key, note)
    values (v_account, v_freeze.tier, v_wallet.seq, 'correction', v_id, -v_charged, 0, v_wallet.available,
      v_wallet.frozen, 'correction:' || v_id || ':' || number, p ->> 'reason');
  if v_used <> v_old_used then
    update quota_day q set used = q.used + v_used - v_old_used
      where q.account_id = v_account and q.api_key_id = v_freeze.api_key_id and q.day = v_freeze.quota_day;
  end if;
  update usage_record r set price_id = (p ->> 'price_id')::uuid, input_tokens = (p ->> 'input_tokens')::integer,
      output_tokens = (p ->> 'output_tokens')::integer, cached_input_tokens = (p ->> 'cached_input_tokens')::integer,
      cached_output_tokens = (p ->> 'cached_output_tokens')::integer, credits_used = v_used, credits_charged = v_charged,
      shortfall = v_shortfall, usd_cost = (p ->> 'usd_cost')::bigint,
      provider_cost_usd = (p ->> 'provider_cost_usd')::bigint, corrections = number
    where r.account_id = v_account and r.request_id = v_id returning r.* into u;
  if v_shortfall = 0 then
    delete from platform_shortfall s where s.account_id = v_account and s.request_id = v_id;
  else
    insert into platform_shortfall as s (account_id, request_id, tier, amount)
      values (v_account, v_id, v_freeze.tier, v_shortfall)
      on conflict (account_id, request_id) do update set amount = excluded.amount;
  end if;
  insert into usage_correction (account_id, request_id, number, reason, actor, idempotency_key, before, after)
    values (v_account, v_id, number, p ->> 'reason', p ->> 'actor', p ->> 'idempotency_key', v_before, usage_snapshot(u));
  result := 'corrected';
end $$;
`;

export class UsageCorrections1764000006000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const part of [TABLES, SNAPSHOT, CORRECT]) await runner.query(part);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop function billing_correct, usage_snapshot;
      drop table usage_correction;
      alter table usage_record drop column corrections;
      alter table ledger_entry drop constraint ledger_entry_kind_check;
      alter table ledger_entry add constraint ledger_entry_kind_check check (
        kind in ('top_up', 'freeze', 'extend', 'settle', 'release', 'expire', 'adjust')) not valid;
    `);
  }
}
