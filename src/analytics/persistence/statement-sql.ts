/** Lines of one list of a statement; what comes after them is one line. */
export const LINES_MAX = 500;
/** A ledger row has the time at which its transaction began; by then it is written. */
export const WRITING_MAX = `interval '5 minutes'`;

/** `$1` year and month, `$2` time zone: begin and end of the month, and now. */
export const MONTH = `
  select f as "from", t as "to", now() as now
    from (select ($1 || '-01')::timestamp as m) d,
      lateral (select m at time zone $2 as f, (m + interval '1 month') at time zone $2 as t) s`;

/** `$1` time zone, `$2` first moment, `$3` month that comes before all of these, `$4` how many: newest first. */
export const MONTHS = `
  select to_char(m, 'YYYY-MM') as month, m at time zone $1 as "from", (m + interval '1 month') at time zone $1 as "to", now() as now
    from generate_series(date_trunc('month', $2::timestamptz at time zone $1), date_trunc('month', now() at time zone $1),
      interval '1 month') as m
    where $3::text is null or to_char(m, 'YYYY-MM') < $3
    order by m desc limit $4`;

/**
 * For each wallet of account `$1`: between which rows the times `$2` and `$3` fall. Rows below `_low` are older for sure, rows
 * from `_high` on are not; between them each row says so itself.
 */
const CUTS = `cut as materialized (
  select w.account_id, w.tier,
      ledger_seq_at(w.account_id, w.tier, $2::timestamptz - ${WRITING_MAX}) as from_low,
      ledger_seq_at(w.account_id, w.tier, $2::timestamptz + ${WRITING_MAX}) as from_high,
      ledger_seq_at(w.account_id, w.tier, $3::timestamptz - ${WRITING_MAX}) as to_low,
      ledger_seq_at(w.account_id, w.tier, $3::timestamptz + ${WRITING_MAX}) as to_high
    from wallet w where w.account_id = $1)`;

/** Ledger rows of the month. */
const ROWS = `ledger_entry e join cut c on e.account_id = c.account_id and e.tier = c.tier
  and e.seq >= c.from_low and e.seq < c.to_high
  and (e.seq >= c.from_high or e.created_at >= $2::timestamptz) and (e.seq < c.to_low or e.created_at < $3::timestamptz)`;

function balanceAt(edge: 'from' | 'to', time: '$2' | '$3'): string {
  return `left join lateral (
      select e.available_after, e.frozen_after from ledger_entry e
        where e.account_id = c.account_id and e.tier = c.tier and e.seq < c.${edge}_low order by e.seq desc limit 1
    ) ${edge}_base on true
    cross join lateral (
      select coalesce(sum(e.available_delta), 0) as available, coalesce(sum(e.frozen_delta), 0) as frozen from ledger_entry e
        where e.account_id = c.account_id and e.tier = c.tier and e.seq >= c.${edge}_low and e.seq < c.${edge}_high
          and e.created_at < ${time}::timestamptz
    ) ${edge}_rest`;
}

/** Balances at both ends, from the balances that rows carry. */
export const BALANCES = `with ${CUTS}
  select c.tier,
      (coalesce(from_base.available_after, 0) + from_rest.available)::text as opening_available,
      (coalesce(from_base.frozen_after, 0) + from_rest.frozen)::text as opening_frozen,
      (coalesce(to_base.available_after, 0) + to_rest.available)::text as closing_available,
      (coalesce(to_base.frozen_after, 0) + to_rest.frozen)::text as closing_frozen
    from cut c ${balanceAt('from', '$2')} ${balanceAt('to', '$3')}`;

export const KINDS = `with ${CUTS}
  select e.tier, e.kind, count(*)::text as count, sum(e.available_delta)::text as available, sum(e.frozen_delta)::text as frozen
    from ${ROWS} group by e.tier, e.kind`;

export const CREDITS = `with ${CUTS}
  select * from (
    select e.tier, e.kind, e.seq::text as seq, e.created_at as at, coalesce(e.note, '') as note,
        (e.available_delta + e.frozen_delta)::text as amount,
        row_number() over (partition by e.tier, e.kind order by e.seq) as place
      from ${ROWS} where e.kind in ('top_up', 'adjust')) r
    where place <= ${LINES_MAX.toString()} order by tier, kind, place`;

const TOKENS = ['input_tokens', 'output_tokens', 'cached_input_tokens', 'cached_output_tokens'] as const;

/**
 * The tokens that a row was priced with. A record shows those of its newest correction; a settlement had those from before the
 * first one. A reversal takes back what there was before its correction, a correction brings what there was after it.
 */
const TOKENS_OF_ROW = TOKENS.map(
  (name) => `case when x.number is null then u.${name}
    when m.kind = 'correction' then (x.after ->> '${name}')::bigint
    when m.kind = 'reversal' then -(x.before ->> '${name}')::bigint
    else (x.before ->> '${name}')::bigint end as ${name}`,
).join(', ');

/**
 * Charges and corrections by model and by key, the largest first. What ended without a charge moved nothing and is left out:
 * its rows are neither settlements nor corrections.
 */
export const CHARGES = `with ${CUTS},
  moved as (
    select e.account_id, e.tier, e.kind, e.freeze_id, -(e.available_delta + e.frozen_delta) as credits,
        case when e.kind = 'settle' then 1 else split_part(e.idempotency_key, ':', 3)::integer end as number
      from ${ROWS} where e.kind in ('settle', 'reversal', 'correction')),
  line as (
    select m.tier, case when m.kind = 'settle' then 'charge' else 'correction' end as section, m.kind, m.credits,
        coalesce(u.model_key, '') as model, coalesce(u.api_key_id::text, '') as key, ${TOKENS_OF_ROW}
      from moved m
        left join usage_record u on u.account_id = m.account_id and u.request_id = m.freeze_id
        left join usage_correction x on u.corrections > 0 and x.account_id = m.account_id and x.request_id = m.freeze_id
          and x.number = m.number),
  summed as (
    select tier, section, case grouping(model, key) when 1 then 'model' when 2 then 'key' else 'all' end as by,
        coalesce(model, key) as id, count(*) filter (where kind <> 'reversal') as requests,
        ${TOKENS.map((name) => `coalesce(sum(${name}), 0) as ${name}`).join(', ')},
        coalesce(sum(credits) filter (where kind <> 'reversal'), 0) as charged,
        coalesce(-sum(credits) filter (where kind = 'reversal'), 0) as reversed
      from line group by grouping sets ((tier, section, model), (tier, section, key), (tier, section))),
  placed as (
    select *, least(${(LINES_MAX + 1).toString()}, row_number() over (
        partition by tier, section, by order by charged - reversed desc, id)) as place from summed),
  folded as (
    select tier, section, by, place, min(id) filter (where place <= ${LINES_MAX.toString()} and by <> 'all') as id, count(*) as members,
        sum(requests) as requests, ${TOKENS.map((name) => `sum(${name}) as ${name}`).join(', ')},
        sum(charged) as charged, sum(reversed) as reversed
      from placed group by tier, section, by, place)
  select f.tier, f.section, f.by, f.id, k.name, f.members::text, f.requests::text,
      ${TOKENS.map((name) => `f.${name}::text`).join(', ')}, f.charged::text, f.reversed::text
    from folded f left join api_key k on f.by = 'key' and k.id::text = f.id
    order by f.tier, f.section, f.by, f.place`;
