import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Sums of usage records by quarter of an hour and by day (UTC), kept by the workers. A quarter is the finest step in which
 * time zones differ. A record belongs to the quarter in which its request was received, which its id tells. Records change
 * only when an outcome comes late or is corrected; the trigger notes the quarter then, and never sees an insert. A quarter that
 * is noted already is locked by the note, so that whoever rolls it up waits for the change.
 */
export class AddUsageRollups1764000008800 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create function usage_quarter(request_id text) returns timestamptz
      language sql immutable strict parallel safe
      return to_timestamp((('x' || substr(request_id, 5, 12))::bit(48)::bigint / 900000) * 900)`);
    await runner.query(`create function latency_slot(ms double precision) returns smallint
      language sql immutable strict parallel safe
      return least(160, floor(ln(greatest(ms, 1)) / ln(1.1)))::smallint`);
    await runner.query(`create table usage_rollup (
      grain text not null check (grain in ('quarter', 'day')),
      starts_at timestamptz not null,
      account_id uuid not null,
      api_key_id uuid not null,
      model_key text not null,
      provider text not null,
      tier text not null,
      status text not null,
      requests bigint not null,
      streams bigint not null,
      input_tokens bigint not null,
      output_tokens bigint not null,
      cached_input_tokens bigint not null,
      cached_output_tokens bigint not null,
      credits_used numeric not null,
      credits_charged numeric not null,
      shortfall numeric not null,
      usd_cost numeric not null,
      provider_cost_usd numeric not null,
      margin_usd numeric not null,
      duration_slots smallint[] not null,
      duration_counts bigint[] not null,
      first_token_slots smallint[] not null,
      first_token_counts bigint[] not null,
      primary key (grain, starts_at, account_id, api_key_id, model_key, provider, tier, status)
    )`);
    await runner.query(`create table usage_rollup_state (
      singleton boolean primary key default true check (singleton),
      quarters_until timestamptz not null,
      days_until timestamptz not null
    )`);
    await runner.query('create table usage_rollup_stale (starts_at timestamptz primary key)');
    await runner.query(`create function note_changed_usage() returns trigger language plpgsql as $$
      begin
        insert into usage_rollup_stale (starts_at) values (usage_quarter(new.request_id))
          on conflict (starts_at) do update set starts_at = excluded.starts_at;
        return null;
      end $$`);
    await runner.query(`create trigger usage_record_changed after update on usage_record
      for each row execute function note_changed_usage()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop trigger usage_record_changed on usage_record');
    await runner.query('drop function note_changed_usage()');
    await runner.query('drop table usage_rollup_stale, usage_rollup_state, usage_rollup');
    await runner.query('drop function latency_slot(double precision)');
    await runner.query('drop function usage_quarter(text)');
  }
}
