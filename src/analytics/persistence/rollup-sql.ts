import { CUBES, DIMENSIONS, type Cube, type CubeName, type Dimension } from '../domain/cubes.js';
import type { Grain } from '../domain/segments.js';
import { ADDED, RECORD_PARTS } from './rollup-columns.js';

const NAMES = DIMENSIONS.join(', ');
const ADDED_NAMES = ADDED.join(', ');
const ADDED_SUMS = ADDED.map((name) => `sum(${name})`).join(', ');
const INSERT = `insert into usage_rollup (cube, grain, starts_at, ${NAMES}, ${ADDED_NAMES})`;
const BETWEEN = 'starts_at >= to_timestamp($1) and starts_at < to_timestamp($2)';

/** Begin of the step of a grain that a rollup row belongs to. */
export const STEP: Readonly<Record<Grain, string>> = {
  quarter: 'starts_at',
  hour: `date_trunc('hour', starts_at, 'UTC')`,
  shift: `date_bin('6 hours', starts_at, '2000-01-01T00:00:00Z')`,
  day: `date_trunc('day', starts_at, 'UTC')`,
  week: `date_bin('7 days', starts_at, '1970-01-01T00:00:00Z')`,
  month: `date_trunc('month', starts_at, 'UTC')`,
};

const BLANK: Readonly<Record<Dimension, string>> = {
  account_id: `'00000000-0000-0000-0000-000000000000'::uuid`,
  api_key_id: `'00000000-0000-0000-0000-000000000000'::uuid`,
  model_key: `''`,
  provider: `''`,
  tier: `''`,
  status: `''`,
};

/** What `grouping()` of some dimensions is for a cube: a bit for each of them that it lacks. */
function groupingOf({ dimensions }: Cube, of: readonly Dimension[]): number {
  return of.reduce((bits, name) => bits * 2 + (dimensions.includes(name) ? 0 : 1), 0);
}

/** Sums of the smaller cubes from the quarters of the cube of all dimensions. */
function fromWhole(grain: Grain): string {
  const cubes = CUBES.filter(({ name, grains }) => name !== 'all' && grains.includes(grain));
  const grouped = DIMENSIONS.filter((name) => cubes.some(({ dimensions }) => dimensions.includes(name)));
  const sets = cubes.map(({ dimensions }) => `(${['step', ...dimensions].join(', ')})`);
  const names = cubes.map((cube) => `when ${groupingOf(cube, grouped).toString()} then '${cube.name}'`);
  const values = DIMENSIONS.map((name) => (grouped.includes(name) ? `coalesce(${name}, ${BLANK[name]})` : BLANK[name]));
  return `${INSERT}
    select case grouping(${grouped.join(', ')}) ${names.join(' ')} end, '${grain}', step, ${values.join(', ')}, ${ADDED_SUMS}
      from (select ${STEP[grain]} as step, ${NAMES}, ${ADDED_NAMES} from usage_rollup
        where cube = 'all' and grain = 'quarter' and ${BETWEEN}) q
      group by grouping sets (${sets.join(', ')})`;
}

/** Sums of some cubes from their own ones of a shorter grain. */
function fromShorter(cubes: readonly CubeName[], grain: Grain, shorter: Grain): string {
  return `${INSERT}
    select cube, '${grain}', ${STEP[grain]}, ${NAMES}, ${ADDED_SUMS} from usage_rollup
      where cube in (${cubes.map((name) => `'${name}'`).join(', ')}) and grain = '${shorter}' and ${BETWEEN}
      group by cube, ${STEP[grain]}, ${NAMES}`;
}

const PARTIAL = CUBES.map(({ name }) => name).filter((name) => name !== 'all');

/** Takes away what there is of a grain from `$1` to `$2`, seconds. */
export function deleteRolled(grain: Grain): string {
  return `delete from usage_rollup where grain = '${grain}' and cube in (${CUBES.map(({ name }) => `'${name}'`).join(', ')})
    and ${BETWEEN}`;
}

/** `$1` to `$2` are ids of requests. */
export const ROLL_RECORDS = `${INSERT}
  select 'all', 'quarter', starts_at, ${NAMES}, ${ADDED_SUMS}
    from (select usage_quarter(u.request_id) as starts_at, ${RECORD_PARTS} from usage_record u
      where u.request_id >= $1 and u.request_id < $2) r
    group by starts_at, ${NAMES}`;

/** How each grain is summed from what there is of shorter ones, from `$1` to `$2`, seconds; in this order. */
export const ROLL: Readonly<Record<Grain, readonly string[]>> = {
  quarter: [fromWhole('quarter')],
  hour: [fromWhole('hour')],
  shift: [fromShorter(PARTIAL, 'shift', 'hour')],
  day: [fromShorter(PARTIAL, 'day', 'shift'), fromShorter(['all'], 'day', 'quarter')],
  week: [fromShorter([...PARTIAL, 'all'], 'week', 'day')],
  month: [fromShorter([...PARTIAL, 'all'], 'month', 'day')],
};
