import { CUBES, type Cube } from '../domain/cubes.js';
import type { Grain } from '../domain/segments.js';
import { ADDED, RECORD_PARTS } from './rollup-columns.js';
import { STEP } from './rollup-sql.js';

const SUMS = ADDED.map((name) => `sum(${name}) as ${name}`).join(', ');
const LIST = (side: string): string => ADDED.map((name) => `${side}.${name}`).join(', ');
const TEXTS = (side: string): string => ADDED.map((name) => `'${name}', ${side}.${name}::text`).join(', ');

const RECORDS = `select usage_quarter(u.request_id) as starts_at, ${RECORD_PARTS} from usage_record u
  where u.request_id >= $3 and u.request_id < $4`;
const BETWEEN = 'starts_at >= to_timestamp($1) and starts_at < to_timestamp($2)';

/** Steps of `found` whose sums are not those of `expected`; a side that has no row is `null`. */
function comparison(source: string, grain: Grain, cubes: readonly Cube[], condition = ''): string {
  const names = cubes.map(({ name }) => `'${name}'`).join(', ');
  return `with expected as (
      select ${STEP[grain]} as begins_at, ${SUMS} from (${source}) s ${condition} group by begins_at),
    wanted as (select c.cube, e.* from expected e cross join unnest(array[${names}]) as c (cube)),
    found as (
      select cube, starts_at as begins_at, ${SUMS} from usage_rollup
        where cube in (${names}) and grain = '${grain}' and ${BETWEEN} ${condition.replace('where', 'and')}
        group by cube, starts_at)
    select cube, extract(epoch from begins_at) * 1000 as ms,
        case when e.requests is null then null else jsonb_build_object(${TEXTS('e')}) end as expected,
        case when f.requests is null then null else jsonb_build_object(${TEXTS('f')}) end as found
      from wanted e full join found f using (cube, begins_at)
      where (${LIST('e')}) is distinct from (${LIST('f')}) order by begins_at, cube`;
}

const WHOLE = CUBES.filter(({ name }) => name === 'all');

/** Quarters of all dimensions beside their records: `$1` to `$2` seconds, `$3` to `$4` the same as ids. */
export const QUARTERS_AND_RECORDS = comparison(RECORDS, 'quarter', WHOLE);
/** The same of account `$5`. */
export const QUARTERS_AND_RECORDS_OF_ACCOUNT = comparison(RECORDS, 'quarter', WHOLE, 'where account_id = $5');

/** Every cube of a grain beside the sums of all dimensions that it was made from: `$1` to `$2` seconds. */
export function cubesAndWhole(grain: Grain): string {
  const source = grain === 'week' || grain === 'month' ? 'day' : 'quarter';
  const cubes = CUBES.filter(({ name, grains }) => grains.includes(grain) && (name !== 'all' || grain !== 'quarter'));
  return comparison(
    `select * from usage_rollup where cube = 'all' and grain = '${source}' and ${BETWEEN}`,
    grain,
    cubes,
  );
}

const PLACES = CUBES.flatMap(({ name, grains }) => grains.map((grain) => `('${name}', '${grain}')`)).join(', ');

/** The first time from `$1` (as id) or `$2` (as seconds) on of which there is a record or a sum. */
export const NEXT_TIME = `select extract(epoch from least(
    (select usage_quarter(min(request_id)) from usage_record where request_id >= $1),
    (select min(r.starts_at) from (values ${PLACES}) as p (cube, grain)
      cross join lateral (select min(starts_at) as starts_at from usage_rollup
        where cube = p.cube and grain = p.grain and starts_at >= to_timestamp($2)) r))) * 1000 as ms`;
