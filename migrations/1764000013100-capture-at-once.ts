import type { MigrationInterface, QueryRunner } from 'typeorm';

const HOT = 'language plpgsql set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan';
const ITEMS = `rows from (jsonb_to_recordset(p_items) as (account_id uuid, id text, outcome jsonb))
      with ordinality as i (account_id, id, outcome, ord)`;

/**
 * Captures a batch with one update. Each row is looked up and locked by its whole key on its own, in the order of keys (`offset
 * 0` keeps the planner from turning that into a join), then written at the place where it was found. A statement of its own
 * for each row, as before, cost twice as much: Postgres prepares a table's constraints anew for each statement.
 *
 * A row that was changed while it was waited for is not at that place in this statement's snapshot; it is captured alone,
 * like one that is not held.
 */
const AT_ONCE = `
create or replace function wallet_capture_many(p_items jsonb) returns setof text ${HOT} as $$
#variable_conflict use_column
declare
  v_result text[];
  v record;
begin
  v_result := array_fill(null::text, array[jsonb_array_length(p_items)]);
  for v in
    with first as materialized (
      select distinct on (i.account_id, i.id) i.account_id, i.id, i.outcome, i.ord from ${ITEMS}
        order by i.account_id, i.id, i.ord
    ), locked as materialized (
      select h.ctid, i.outcome, i.ord from first i cross join lateral (
        select f.ctid from wallet_freeze f where f.account_id = i.account_id and f.id = i.id and f.state = 'held'
          for no key update offset 0) h
    )
    update wallet_freeze f set state = 'captured', outcome = l.outcome, captured_at = now()
      from locked l where f.ctid = l.ctid
      returning l.ord
  loop
    v_result[v.ord] := 'captured';
  end loop;
  for v in select i.ord, i.account_id, i.id, i.outcome from ${ITEMS}
    where v_result[i.ord] is null order by i.account_id, i.id, i.ord
  loop
    v_result[v.ord] := wallet_capture_one(v.account_id, v.id, v.outcome);
  end loop;
  return query select unnest(v_result);
end $$;
`;

const ONE_BY_ONE = `
create or replace function wallet_capture_many(p_items jsonb) returns setof text ${HOT} as $$
declare
  v_result text[];
  v record;
begin
  v_result := array_fill(null::text, array[jsonb_array_length(p_items)]);
  for v in select i.ord, i.account_id, i.id, i.outcome from ${ITEMS} order by i.account_id, i.id, i.ord
  loop
    update wallet_freeze f set state = 'captured', outcome = v.outcome, captured_at = now()
      where f.account_id = v.account_id and f.id = v.id and f.state = 'held';
    if found then
      v_result[v.ord] := 'captured';
    else
      v_result[v.ord] := wallet_capture_one(v.account_id, v.id, v.outcome);
    end if;
  end loop;
  return query select unnest(v_result);
end $$;
`;

export class CaptureAtOnce1764000013100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(AT_ONCE);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(ONE_BY_ONE);
  }
}
