import { differencesQuery, type Rule } from './rules.js';

/* As in wallet-queries: $1 and $2 are the first and the last account, and `book_*` their rows. */

/** What was released or given up without a look at its outcome says so by being empty. */
const BLANK = `(u.status <> 'settled' and u.usage_source = 'unavailable' and u.credits_used = 0
  and u.input_tokens = 0 and u.output_tokens = 0 and u.cached_input_tokens = 0 and u.cached_output_tokens = 0)`;

const REQUESTS = `
  with e as (
    select account_id, freeze_id as id, min(tier) as e_tier, count(*) filter (where kind = 'freeze') as starts,
        count(*) filter (where kind in ('settle', 'release', 'expire')) as ends,
        count(*) filter (where kind = 'correction') as corrections,
        min(kind) filter (where kind in ('settle', 'release', 'expire')) as end_kind,
        coalesce(sum(frozen_delta) filter (where kind in ('freeze', 'extend')), 0) as put, sum(frozen_delta) as frozen,
        -sum(available_delta + frozen_delta) as taken
      from book_entry where freeze_id is not null group by account_id, freeze_id
  ), f as (
    select account_id, id, tier as f_tier, api_key_id as f_key, model_id as f_model, price_id as f_price, state, amount,
        ended_at is not null as ended, outcome as f_outcome, outcome -> 'usage' as tokens, client_request_id as f_client,
        stream as f_stream, model_key as f_model_key, created_at as f_created,
        case when usd_per_credit ~ '^\\d{1,18}$' then usd_per_credit else '0' end::numeric as usd_per_credit
      from book_freeze
  ), u as (
    select account_id, request_id as id, tier as u_tier, api_key_id as u_key, model_id as u_model, price_id as u_price,
        status, input_tokens, output_tokens, cached_input_tokens, cached_output_tokens, credits_used, credits_charged,
        shortfall, outcome as u_outcome, ${BLANK} as blank, client_request_id as u_client, stream as u_stream,
        model_key as u_model_key, provider, usage_source, frozen as u_frozen, usd_cost, provider_cost_usd,
        corrections as u_corrections, created_at as u_created
      from book_usage u
  ), joined as (
    select *, coalesce(e_tier, f_tier, u_tier) as tier, id as request_id, state is not null as has_freeze,
        starts is not null as has_rows, status is not null as has_record,
        corrections > 0 as is_corrected, not blank and state <> 'captured' and f_outcome is not null as is_priced,
        case end_kind when 'settle' then 'settled' when 'release' then 'released' when 'expire' then 'expired' end as end_state,
        case status when 'failed' then 'released' else status end as record_state
      from e full join f using (account_id, id) full join u using (account_id, id)
  )`;

/** What the ledger says about a freeze, and what its row says. */
const LEDGER_AND_FREEZE: readonly Rule[] = [
  { kind: 'ledger_row_without_freeze', when: 'has_rows and not has_freeze', expected: `'a freeze'`, found: 'null' },
  { kind: 'freeze_without_row', when: 'has_freeze and coalesce(starts, 0) = 0', expected: `'a row'`, found: 'null' },
  { kind: 'freeze_amount', when: 'has_freeze and starts > 0 and put <> amount', expected: 'put', found: 'amount' },
  {
    kind: 'freeze_without_end',
    when: `has_freeze and coalesce(ends, 0) = 0 and (ended or state in ('settled', 'released', 'expired'))`,
    expected: `'a row that ends it'`,
    found: 'null',
    subject: 'state',
  },
  { kind: 'freeze_ended_twice', when: 'ends > 1', expected: '1', found: 'ends', subject: `'rows that end it'` },
  {
    kind: 'freeze_state',
    when: `has_freeze and ends = 1 and (not ended or state = 'held' or (state <> 'captured' and state <> end_state))`,
    expected: 'end_state',
    found: `state || case when ended then '' else ', not ended' end`,
    subject: `'state'`,
  },
  { kind: 'freeze_not_returned', when: 'ends = 1 and frozen <> 0', expected: '0', found: 'frozen' },
  {
    kind: 'settlement_without_outcome',
    when: `has_freeze and f_outcome is null and (state = 'settled' or end_kind = 'settle')`,
    expected: `'an outcome'`,
    found: 'null',
  },
];

/** What a freeze came to, and what its usage record says. */
const FREEZE_AND_RECORD: readonly Rule[] = [
  {
    kind: 'usage_record_missing',
    when: '(ended or ends > 0) and not has_record',
    expected: `'a usage record'`,
    found: 'null',
  },
  { kind: 'usage_record_without_freeze', when: 'has_record and not has_freeze', expected: `'a freeze'`, found: 'null' },
  {
    kind: 'usage_record_early',
    when: 'has_record and has_freeze and not ended and coalesce(ends, 0) = 0',
    expected: 'null',
    found: 'status',
  },
  {
    kind: 'usage_record_status',
    when: `has_record and has_freeze and ended and state <> 'captured' and state <> record_state`,
    expected: 'state',
    found: 'status',
    subject: `'status'`,
  },
  {
    kind: 'usage_charge',
    when: 'has_record and credits_charged <> coalesce(taken, 0)',
    expected: 'coalesce(taken, 0)',
    found: 'credits_charged',
    subject: `'credits_charged'`,
  },
  {
    kind: 'usage_charge',
    when: `has_record and status <> 'settled' and credits_charged <> 0`,
    expected: '0',
    found: 'credits_charged',
    subject: `'credits_charged of ' || status`,
  },
  {
    kind: 'usage_sum',
    when: 'has_record and credits_used <> credits_charged + shortfall',
    expected: 'credits_charged + shortfall',
    found: 'credits_used',
    subject: `'credits_used'`,
  },
  {
    kind: 'stale_price_version',
    when: 'has_record and u_price <> f_price and is_corrected is not true',
    expected: 'f_price',
    found: 'u_price',
    subject: `'price_id'`,
  },
];

const differs = (column: string, ofFreeze: string, ofRecord: string): Rule => ({
  kind: 'usage_record_differs',
  when: `has_record and ${ofRecord} <> ${ofFreeze}`,
  expected: ofFreeze,
  found: ofRecord,
  subject: `'${column}'`,
});

const outcomeDiffers = (column: string, ofOutcome: string, unless = 'false'): Rule => ({
  kind: 'usage_record_differs',
  when: `has_record and is_priced and ${unless} is not true and f_outcome ->> '${ofOutcome}' is distinct from ${column}::text`,
  expected: `f_outcome ->> '${ofOutcome}'`,
  found: column,
  subject: `'${column}'`,
});

const bucketDiffers = (column: string, ofOutcome: string): Rule => ({
  kind: 'wrong_token_bucket',
  when: `has_record and is_priced and is_corrected is not true and tokens ->> '${ofOutcome}' is distinct from ${column}::text`,
  expected: `tokens ->> '${ofOutcome}'`,
  found: column,
  subject: `'${column}'`,
});

/** As billing rounds it: to the nearest micro-USD, halves up. */
const USD_COST = 'floor((credits_used * usd_per_credit + 500000) / 1000000)';

/** Everything that is said twice about a request, compared. */
export const REQUEST_DIFFERENCES = differencesQuery(REQUESTS, [
  ...LEDGER_AND_FREEZE,
  ...FREEZE_AND_RECORD,
  differs('tier', 'f_tier', 'u_tier'),
  differs('api_key_id', 'f_key', 'u_key'),
  differs('model_id', 'f_model', 'u_model'),
  differs('model_key', 'f_model_key', 'u_model_key'),
  differs('client_request_id', 'f_client', 'u_client'),
  differs('stream', 'f_stream', 'u_stream'),
  differs('created_at', 'f_created', 'u_created'),
  differs('frozen', 'amount', 'u_frozen'),
  differs('corrections', 'coalesce(corrections, 0)', 'u_corrections'),
  differs('usd_cost', USD_COST, 'usd_cost'),
  outcomeDiffers('provider', 'providerName'),
  outcomeDiffers('usage_source', 'usageSource'),
  outcomeDiffers('provider_cost_usd', 'providerCostUsdMicros', 'is_corrected'),
  {
    kind: 'usage_record_differs',
    when: `has_record and has_freeze and u_outcome is not null and f_outcome is distinct from u_outcome`,
    expected: `left(f_outcome::text, 200)`,
    found: `left(u_outcome::text, 200)`,
    subject: `'outcome'`,
  },
  bucketDiffers('input_tokens', 'inputTokens'),
  bucketDiffers('output_tokens', 'outputTokens'),
  bucketDiffers('cached_input_tokens', 'cachedInputTokens'),
  bucketDiffers('cached_output_tokens', 'cachedOutputTokens'),
]);

const SHORTFALLS = `
  with joined as (
    select account_id, coalesce(u.tier, p.tier) as tier, request_id, coalesce(u.shortfall, 0) as shortfall,
        coalesce(p.amount, 0) as booked
      from (select * from book_usage where shortfall > 0) u
      full join (select * from platform_shortfall where account_id between $1 and $2) p using (account_id, request_id)
  )`;

/** Each shortfall of a record, and the platform's own row for it. */
export const SHORTFALL_DIFFERENCES = differencesQuery(SHORTFALLS, [
  { kind: 'shortfall_booking', when: 'shortfall <> booked', expected: 'booked', found: 'shortfall' },
]);

/**
 * Open freezes that somebody should have ended long ago. While no process has lived for two minutes nobody could, and
 * nothing is wrong: the next start ends them.
 */
const OVERDUE = `
  with joined as (
    select f.account_id, f.tier, f.id as request_id, f.state, f.created_at, f.captured_at,
        coalesce(p.lease_until, f.created_at) as owner_lived_until
      from book_freeze f left join process_lease p on p.process_id = f.process_id
      where f.state in ('held', 'captured') and exists (
        select from process_lease l where l.lease_until > now() and l.started_at < now() - interval '2 minutes')
  )`;

export const OVERDUE_DIFFERENCES = differencesQuery(OVERDUE, [
  {
    kind: 'freeze_without_end',
    when: `state = 'held' and owner_lived_until < now() - interval '2 minutes'`,
    expected: `'an end'`,
    found: `'held since ' || to_char(created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`,
    subject: `'state'`,
  },
  {
    kind: 'outcome_not_settled',
    when: `state = 'captured' and captured_at < now() - interval '10 minutes'`,
    expected: `'an end'`,
    found: `'captured at ' || to_char(captured_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`,
    subject: `'state'`,
  },
]);

/**
 * Usage records beside the outcomes that they were priced from; read through a cursor. A correction replaces what the
 * outcome says: a corrected record is priced by its own tokens and version.
 */
export const PRICED_RECORDS = `
  select f.account_id, f.tier, f.id as request_id, f.outcome ->> 'disposition' as disposition, u.credits_used,
      case when c.id is null then f.price_id else u.price_id end as price_id,
      case when c.id is null then f.outcome ->> 'creditsUsedMicros' end as captured,
      case when c.id is null then f.outcome -> 'usage' else jsonb_build_object('inputTokens', u.input_tokens,
        'outputTokens', u.output_tokens, 'cachedInputTokens', u.cached_input_tokens,
        'cachedOutputTokens', u.cached_output_tokens) end as usage
    from (select * from wallet_freeze where account_id between $1 and $2 and outcome is not null and state <> 'captured') f
    join (select * from usage_record u where account_id between $1 and $2 and not ${BLANK}) u
      on u.account_id = f.account_id and u.request_id = f.id
    left join (select distinct account_id, freeze_id as id from ledger_entry
      where account_id between $1 and $2 and kind = 'correction') c on c.account_id = f.account_id and c.id = f.id`;

/** Price versions by id, and all versions of the models of some. */
export const PRICES_BY_ID = `
  select id, model_id, version, input_per_mtok, output_per_mtok, cache_read_per_mtok, cache_write_per_mtok
    from model_price where model_id in (select model_id from model_price where id = any($1))`;
