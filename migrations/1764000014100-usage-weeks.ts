import type { MigrationInterface, QueryRunner } from 'typeorm';

const GRAINS = ['quarter', 'hour', 'shift', 'day', 'month'];

function grainCheck(grains: readonly string[]): string {
  return `alter table usage_rollup drop constraint usage_rollup_grain_check;
    alter table usage_rollup add constraint usage_rollup_grain_check
      check (grain in (${grains.map((grain) => `'${grain}'`).join(', ')})) not valid`;
}

const SUMS = [
  ...['requests', 'streams', 'input_tokens', 'output_tokens', 'cached_input_tokens', 'cached_output_tokens'],
  ...['credits_used', 'credits_charged', 'shortfall', 'usd_cost', 'provider_cost_usd', 'margin_usd'],
  ...['duration', 'first_token'],
];
const DIMENSIONS = 'account_id, api_key_id, model_key, provider, tier, status';

/**
 * Sums of weeks. A month that begins on any day was read as thirty days of each key; now it is a few weeks and the days at its ends.
 * Weeks that are over are summed from their days here.
 */
const WEEKS = `insert into usage_rollup (cube, grain, starts_at, ${DIMENSIONS}, ${SUMS.join(', ')})
  select cube, 'week', date_bin('7 days', starts_at, '1970-01-01T00:00:00Z') as week, ${DIMENSIONS},
      ${SUMS.map((name) => `sum(${name})`).join(', ')}
    from usage_rollup
    where grain = 'day'
      and starts_at < date_bin('7 days', (select quarters_until from usage_rollup_state), '1970-01-01T00:00:00Z')
    group by cube, week, ${DIMENSIONS}`;

export class UsageWeeks1764000014100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(grainCheck([...GRAINS, 'week']));
    await runner.query(WEEKS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`delete from usage_rollup where grain = 'week'`);
    await runner.query(grainCheck(GRAINS));
  }
}
