import { differencesQuery } from './rules.js';

/* As in wallet-queries: $1 and $2 are the first and the last account, and `book_*` their rows. */

const CORRECTIONS = `
  with told as (
    select account_id, request_id, number, reason, before, after from usage_correction where account_id between $1 and $2
  ), e as (
    select account_id, freeze_id as request_id, correction as number, min(tier) as tier, min(reason) as note,
        sum(available_delta) filter (where kind = 'reversal') as given_back,
        -sum(available_delta) filter (where kind = 'correction') as taken
      from book_entry where correction is not null group by account_id, freeze_id, correction
  ), joined as (
    select account_id, tier, request_id, number, note, reason, given_back, taken, before, after,
        e.account_id is not null as has_rows, told.account_id is not null as is_told, u.corrections as made,
        jsonb_build_object('price_id', u.price_id, 'input_tokens', u.input_tokens, 'output_tokens', u.output_tokens,
          'cached_input_tokens', u.cached_input_tokens, 'cached_output_tokens', u.cached_output_tokens,
          'credits_used', u.credits_used::text, 'credits_charged', u.credits_charged::text, 'shortfall', u.shortfall::text,
          'usd_cost', u.usd_cost::text, 'provider_cost_usd', u.provider_cost_usd::text) as record
      from told full join e using (account_id, request_id, number)
      left join (select price_id, input_tokens, output_tokens, cached_input_tokens, cached_output_tokens, credits_used,
          credits_charged, shortfall, usd_cost, provider_cost_usd, corrections, account_id, request_id
        from book_usage) u using (account_id, request_id)
  )`;

const NAMED = (what: string): string => `'${what} of correction ' || number`;

/** Each correction beside its two ledger rows, and the last one of a request beside its usage record. */
export const CORRECTION_DIFFERENCES = differencesQuery(CORRECTIONS, [
  {
    kind: 'correction_missing',
    when: 'has_rows and not is_told',
    expected: `'a correction'`,
    found: 'null',
    subject: `'correction ' || number`,
  },
  {
    kind: 'correction_differs',
    when: 'is_told and reason is distinct from note',
    expected: 'note',
    found: 'reason',
    subject: NAMED('reason'),
  },
  {
    kind: 'correction_differs',
    when: `is_told and before ->> 'credits_charged' is distinct from given_back::text`,
    expected: 'given_back',
    found: `before ->> 'credits_charged'`,
    subject: NAMED('credits_charged before'),
  },
  {
    kind: 'correction_differs',
    when: `is_told and after ->> 'credits_charged' is distinct from taken::text`,
    expected: 'taken',
    found: `after ->> 'credits_charged'`,
    subject: NAMED('credits_charged after'),
  },
  {
    kind: 'correction_differs',
    when: 'is_told and number = made and after <> record',
    expected: 'left(record::text, 300)',
    found: 'left(after::text, 300)',
    subject: NAMED('record after'),
  },
]);
