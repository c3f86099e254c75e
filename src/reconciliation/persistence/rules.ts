import type { DifferenceKind } from '../domain/difference.js';

/** One way in which a row of a query can be wrong. The texts are SQL expressions over that row. */
export interface Rule {
  kind: DifferenceKind;
  /** True for a difference; null counts as false. */
  when: string;
  expected: string;
  found: string;
  /** What exactly differs. */
  subject?: string;
}

/** A difference as a query gives it; `total` counts those of its kind, of which only the first come. */
export interface DifferenceRow {
  kind: DifferenceKind;
  account_id: string | null;
  tier: string | null;
  request_id: string | null;
  subject: string | null;
  expected: string | null;
  found: string | null;
  total: string;
}

/**
 * A query that applies rules to rows. A row is first asked whether any rule breaks, because almost none does. Of each kind
 * the first `$3` differences come, with the count of all.
 * @param rows SQL that ends in a CTE `joined` with the columns account_id, tier and request_id, among others.
 */
export function differencesQuery(rows: string, rules: readonly Rule[]): string {
  const values = rules.map(
    ({ kind, when, expected, found, subject = 'null' }) =>
      `('${kind}', ${when}, (${expected})::text, (${found})::text, (${subject})::text)`,
  );
  return `${rows}
    select * from (
      select d.kind, j.account_id, j.tier, j.request_id, d.subject, d.expected, d.found,
          count(*) over (partition by d.kind) as total,
          row_number() over (partition by d.kind order by j.account_id, j.tier, j.request_id, d.subject) as place
        from joined j cross join lateral (values ${values.join(',\n')}) as d (kind, broken, expected, found, subject)
        where (${rules.map(({ when }) => `(${when})`).join(' or ')}) and d.broken
    ) differences where place <= $3 order by account_id, tier, request_id, kind`;
}

/**
 * What the comparisons are about. Rows of an account are spread over the tables in the order of time, a page for almost each: so
 * they are read once, and not by every comparison again.
 */
const BOOK_ROWS = `
  book_entry as materialized (
    select account_id, tier, seq, kind, freeze_id, available_delta, frozen_delta,
        case when kind in ('reversal', 'correction') then note end as reason,
        case when kind in ('reversal', 'correction') then substring(idempotency_key from '[0-9]+$') end::integer as correction
      from ledger_entry where account_id between $1 and $2
  ), book_freeze as materialized (
    select account_id, id, tier, api_key_id, process_id, state, amount, quota_day, model_id, price_id, outcome, created_at,
        captured_at, ended_at, client_request_id, stream, facts ->> 'modelKey' as model_key,
        facts ->> 'usdPerCreditMicros' as usd_per_credit
      from wallet_freeze where account_id between $1 and $2
  ), book_usage as materialized (
    select account_id, request_id, tier, api_key_id, model_id, price_id, status, input_tokens, output_tokens,
        cached_input_tokens, cached_output_tokens, credits_used, credits_charged, shortfall, usage_source, outcome,
        client_request_id, stream, model_key, provider, frozen, usd_cost, provider_cost_usd, corrections, created_at
      from usage_record where account_id between $1 and $2
  )`;

/** Several queries of differences as one; `part` numbers them from 0. */
export function allDifferences(queries: readonly string[]): string {
  const parts = queries.map((query, part) => `select ${part.toString()} as part, d.* from (${query}) d`);
  return `with ${BOOK_ROWS} ${parts.join('\nunion all\n')}`;
}
