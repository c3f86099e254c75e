import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Rollups that a summary of a year reads in a blink. Sums are kept by cube (which dimensions they have) and grain (how long a time
 * they are of), so that a query finds a cube with hardly more dimensions than it asks for, and grains that fit its times: a day
 * of another zone is a few shifts of six hours, hours and quarters. Dimensions that a cube does not have are blank.
 *
 * A histogram is one number: slot n counts in units of 10^(12 n). Then adding histograms is adding numbers, which Postgres does
 * twenty times faster than unnesting and counting arrays. A slot has room for 10^12 requests.
 *
 * There is no key of all dimensions: it would be larger than the rows. Whoever rolls up holds the row of the state, and takes away
 * what it is about to write.
 *
 * What was rolled up before is dropped; the workers roll up anew, and until then summaries read records.
 */
const DIMENSIONS = 'account_id, api_key_id, model_key, provider, tier, status';
const SUMS = `
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
  margin_usd numeric not null`;
const COLUMNS = `
  starts_at timestamptz not null,
  account_id uuid not null,
  api_key_id uuid not null,
  model_key text not null,
  provider text not null,
  tier text not null,
  status text not null,
  ${SUMS}`;

const UP = `
drop table usage_rollup;
alter table usage_rollup_state drop column days_until;
delete from usage_rollup_state;
create function latency_place(ms double precision) returns numeric
  language sql immutable strict parallel safe
  return ('1e' || 12 * latency_slot(ms))::numeric;
create table usage_rollup (
  cube text not null check (cube in ('all', 'account', 'key', 'pool', 'model', 'provider', 'tier', 'status', 'none')),
  grain text not null check (grain in ('quarter', 'hour', 'shift', 'day', 'month')),
  ${COLUMNS},
  duration numeric not null,
  first_token numeric not null
);
create index usage_rollup_time on usage_rollup (cube, grain, starts_at);
create index usage_rollup_account on usage_rollup (cube, grain, account_id, starts_at) where cube in ('all', 'account', 'key');
create index usage_rollup_key on usage_rollup (cube, grain, api_key_id, starts_at) where cube in ('all', 'key');
create index usage_rollup_model on usage_rollup (cube, grain, model_key, starts_at) where cube in ('all', 'pool', 'model');
`;

const DOWN = `
drop table usage_rollup;
drop function latency_place(double precision);
delete from usage_rollup_state;
alter table usage_rollup_state add column days_until timestamptz not null;
create table usage_rollup (
  grain text not null check (grain in ('quarter', 'day')),
  ${COLUMNS},
  duration_slots smallint[] not null,
  duration_counts bigint[] not null,
  first_token_slots smallint[] not null,
  first_token_counts bigint[] not null,
  primary key (grain, starts_at, ${DIMENSIONS})
);
`;

export class UsageCubes1764000011100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}
