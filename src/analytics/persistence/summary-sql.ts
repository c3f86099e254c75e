import { filtered, type Cube, type Dimension } from '../domain/cubes.js';
import type { Piece, RollupPiece, Segments } from '../domain/segments.js';
import type { Grouping, SummaryRequest } from '../domain/summary.js';
import { requestIdFloor } from '../../platform/ids/index.js';
import { ADDED, RECORD_PARTS, SUMS } from './rollup-columns.js';

/** A statement with its values. */
export interface Statement {
  text: string;
  values: unknown[];
}

/**
 * Days of zone `$3` from `$1` to `$2` with their first moments. Where clocks are set back over midnight there are two of them, and
 * the day begins with the first.
 */
export const DAYS = `
  select to_char(d, 'YYYY-MM-DD') as day, extract(epoch from
      case when ((m - interval '1 hour') at time zone $3)::date = d::date then m - interval '1 hour' else m end) * 1000 as ms
    from generate_series(date_trunc('day', to_timestamp($1) at time zone $3), to_timestamp($2) at time zone $3, interval '1 day') as d,
      lateral (select d at time zone $3 as m) local
    order by d`;

/** Whether hours of the zone begin with those of UTC, all the time. */
export const WHOLE_HOURS = `
  select coalesce(bool_and(extract(minute from d at time zone $3) = 0), true) as whole
    from generate_series(date_trunc('day', to_timestamp($1), 'UTC'), to_timestamp($2), interval '1 day') as d`;

/** Nothing was used before that. */
export const FIRST_USED = `select extract(epoch from usage_quarter(min(request_id))) * 1000 as ms from usage_record`;

/** Now, or the end of the last quarter of which there is a record: its process may have a clock that is ahead, of a year at most. */
export const LAST_USED = `select extract(epoch from greatest(now(), (select least(
    usage_quarter(max(request_id)) + interval '15 minutes', now() + interval '1 year') from usage_record))) * 1000 as ms`;

/**
 * Few rows by index, again and again: what else the planner thinks of, it thinks of because it cannot guess the ranges. Groups stay in
 * memory.
 */
export const SETTINGS = `select set_config('work_mem', '32MB', true), ${['seqscan', 'hashjoin', 'mergejoin', 'sort']
  .map((name) => `set_config('enable_${name}', 'off', true)`)
  .join(', ')}, set_config('jit', 'off', true)`;

/** The SQL of each grouping; `starts_at` is in the group's day already where days are asked for. */
function groupedBy(name: Grouping, zone: string): string {
  switch (name) {
    case 'key':
      return 'api_key_id';
    case 'account':
      return 'account_id';
    case 'model':
      return 'model_key';
    case 'day':
      return 'label';
    case 'hour':
      return `to_char(date_trunc('hour', starts_at, ${zone}) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
    default:
      return name;
  }
}

/** Collects the values of a statement. */
class Values {
  readonly list: unknown[] = [];

  add(value: unknown): string {
    this.list.push(value);
    return `$${this.list.length.toString()}`;
  }
}

/** Sums, one row a group. @param groupsMax rows at most. */
export function summaryStatement(request: SummaryRequest, cube: Cube, plan: Segments, groupsMax: number): Statement {
  const values = new Values();
  const zone = `${values.add(request.timeZone)}::text`;
  const conditions = filtered(request.filter).map(([dimension, value]) => condition(dimension, values.add(value)));
  const own = plan.rollups.filter(({ grain }) => cube.grains.includes(grain));
  const others = plan.rollups.filter(({ grain }) => !cube.grains.includes(grain));
  const parts = [
    ...(own.length === 0 ? [] : [rollupPart(cube.name, own, conditions, values)]),
    ...(others.length === 0 ? [] : [rollupPart('all', others, conditions, values)]),
    recordPart(plan.records, conditions, values),
  ];
  const by = request.groupBy.map((name) => groupedBy(name, zone));
  // Grouped as they are, which is quicker than as text, and then written as text.
  const columns = by.map((group, at) => `(${group})::text as g${at.toString()}`);
  const sums = SUMS.map((name) => `coalesce(sum(${name}), 0)::text as ${name}`);
  const packed = ['duration', 'first_token'].map((name) => `coalesce(sum(${name}), 0)::text as ${name}`);
  const text = `select ${[...columns, ...sums, ...packed].join(', ')} from (${parts.join(' union all ')}) p
    where ${zone} is not null ${by.length === 0 ? '' : `group by ${by.join(', ')}`} limit ${groupsMax.toString()}`;
  return { text, values: values.list };
}

const COLUMNS = `account_id, api_key_id, model_key, provider, tier, status, ${ADDED.join(', ')}`;

function condition(dimension: Dimension, value: string): string {
  return `${dimension} = ${value}${dimension.endsWith('_id') ? '::uuid' : '::text'}`;
}

function rollupPart(
  cube: string,
  pieces: readonly RollupPiece[],
  conditions: readonly string[],
  values: Values,
): string {
  const ranges = [
    `${values.add(pieces.map(({ grain }) => grain))}::text[]`,
    `${values.add(pieces.map(({ fromMs }) => fromMs / 1000))}::double precision[]`,
    `${values.add(pieces.map(({ toMs }) => toMs / 1000))}::double precision[]`,
    `${values.add(pieces.map(({ label }) => label))}::text[]`,
  ];
  // `offset 0` keeps the ranges outside: for each of them its rows are looked up by index, never all rows beside all ranges.
  return `select r.label, q.* from unnest(${ranges.join(', ')}) as r (g, f, t, label)
    cross join lateral (select starts_at, ${COLUMNS} from usage_rollup
      where ${[`cube = '${cube}'`, ...conditions].join(' and ')}
        and grain = r.g and starts_at >= to_timestamp(r.f) and starts_at < to_timestamp(r.t) offset 0) q`;
}

function recordPart(pieces: readonly Piece[], conditions: readonly string[], values: Values): string {
  const ranges = [
    `${values.add(pieces.map(({ fromMs }) => requestIdFloor(fromMs)))}::text[]`,
    `${values.add(pieces.map(({ toMs }) => requestIdFloor(toMs)))}::text[]`,
    `${values.add(pieces.map(({ label }) => label))}::text[]`,
  ];
  return `select r.label, q.* from unnest(${ranges.join(', ')}) as r (f, t, label)
    cross join lateral (select starts_at, ${COLUMNS} from (
        select usage_quarter(u.request_id) as starts_at, ${RECORD_PARTS} from usage_record u
          where u.request_id >= r.f and u.request_id < r.t) u
      ${conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`} offset 0) q`;
}
