import type { MigrationInterface, QueryRunner } from 'typeorm';

const HOT = 'language plpgsql set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan';
const ITEMS = `rows from (jsonb_to_recordset(p_items) as (account_id uuid, id text, outcome jsonb))
      with ordinality as i (account_id, id, outcome, ord)`;

/**
 * Captures row by row. Joined with its batch the table of freezes could be planned, while it was almost empty, to look up the
 * account alone and to filter all its freezes by id, or to be walked whole; until autovacuum came by, a capture took longer
 * the more requests there had been. An update by the whole key has one plan.
 */
const BY_KEY = `
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

const JOINED = `
create or replace function wallet_capture_many(p_items jsonb) returns setof text ${HOT} as $$
#variable_conflict use_column
declare
  v_result text[];
  v record;
begin
  v_result := array_fill(null::text, array[jsonb_array_length(p_items)]);
  for v in
    with item as materialized (
      select i.account_id, i.id, i.outcome, i.ord from ${ITEMS}
    ), first as (
      select distinct on (account_id, id) account_id, id, outcome, ord from item order by account_id, id, ord
    )
    update wallet_freeze f set state = 'captured', outcome = i.outcome, captured_at = now()
      from first i where f.account_id = any (array[i.account_id]) and f.id = any (array[i.id]) and f.state = 'held'
      returning i.ord
  loop
    v_result[v.ord] := 'captured';
  end loop;
  for v in select i.ord, i.account_id, i.id, i.outcome from ${ITEMS} where v_result[i.ord] is null order by i.id, i.ord
  loop
    v_result[v.ord] := wallet_capture_one(v.account_id, v.id, v.outcome);
  end loop;
  return query select unnest(v_result);
end $$;
`;

export class CaptureByKey1764000009000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(BY_KEY);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(JOINED);
  }
}
