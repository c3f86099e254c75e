import { differencesQuery } from './rules.js';

/*
 * All queries take a range of accounts, both ends included: $1 and $2. Differences are looked for in `book_entry`, `book_freeze` and
 * `book_usage`, its rows as `allDifferences` has read them.
 */

/** The next accounts after `$1` (included) that have about `$2` ledger rows together, at least one and at most `$3`. */
export const NEXT_ACCOUNTS = `
  select account_id, taken = 1 or rows <= $2::bigint as fits, count(*) over () as listed from (
    select account_id, row_number() over w as taken, sum(rows) over w as rows
      from (select account_id, sum(seq + 1) as rows from wallet where account_id >= $1
        group by account_id order by account_id limit $3) a
      window w as (order by account_id)) s
  order by account_id`;

/** Whether any row is about account `$1`. */
export const KNOWS_ACCOUNT = `select ${[
  'account where id',
  ...['wallet', 'ledger_entry', 'usage_record', 'wallet_freeze', 'quota_day', 'platform_shortfall'].map(
    (name) => `${name} where account_id`,
  ),
]
  .map((column) => `exists (select from ${column} = $1)`)
  .join(' or ')} as known`;

/** How much there is to look at; from indexes alone where the tables were vacuumed. */
export const COUNTS = `
  select (select count(*) from wallet where account_id between $1 and $2) as wallets,
    (select count(*) from ledger_entry where account_id between $1 and $2) as rows,
    (select count(*) from usage_record where account_id between $1 and $2) as usage_records,
    (select count(*) from wallet_freeze where account_id between $1 and $2) as freezes,
    (select count(*) from wallet_freeze where account_id between $1 and $2 and ended_at is null) as open_freezes`;

/** Rows that do not follow on the row before them: at most `$3`, with the count of all. */
export const BROKEN_CHAIN = `
  with chained as (
    select account_id, tier, seq, freeze_id, available_delta, frozen_delta, available_after, frozen_after,
        lag(seq, 1, 0::bigint) over w as seq_before, lag(available_after, 1, 0::bigint) over w as available_before,
        lag(frozen_after, 1, 0::bigint) over w as frozen_before
      from ledger_entry where account_id between $1 and $2
      window w as (partition by account_id, tier order by seq)
  )
  select *, count(*) over () as total from chained
    where seq <> seq_before + 1 or available_after <> available_before + available_delta
      or frozen_after <> frozen_before + frozen_delta
    order by account_id, tier, seq limit $3`;

const WALLETS = `
  with joined as (
    select account_id, tier, null::text as request_id, w.account_id is not null as is_there, w.available, w.frozen, w.seq,
        coalesce(l.last_seq, 0) as last_seq, coalesce(l.available, 0) as sum_available, coalesce(l.frozen, 0) as sum_frozen,
        coalesce(l.credited, 0) as credited, coalesce(u.charged, 0) as charged, coalesce(f.amount, 0) as open_amount
      from (select * from wallet where account_id between $1 and $2) w
      full join (select account_id, tier, max(seq) as last_seq, sum(available_delta) as available, sum(frozen_delta) as frozen,
          sum(available_delta) filter (where kind in ('top_up', 'adjust')) as credited
        from book_entry group by account_id, tier) l using (account_id, tier)
      full join (select account_id, tier, sum(credits_charged) as charged from book_usage
        group by account_id, tier) u using (account_id, tier)
      full join (select account_id, tier, sum(amount) as amount from book_freeze
        where ended_at is null group by account_id, tier) f using (account_id, tier)
  )`;

/** Each wallet against its ledger rows, its open freezes and its charges. */
export const WALLET_DIFFERENCES = differencesQuery(WALLETS, [
  { kind: 'wallet_missing', when: 'not is_there', expected: `'a wallet'`, found: 'null' },
  { kind: 'negative_balance', when: 'available < 0', expected: '0', found: 'available', subject: `'available'` },
  { kind: 'negative_balance', when: 'frozen < 0', expected: '0', found: 'frozen', subject: `'frozen'` },
  {
    kind: 'balance_without_row',
    when: 'available <> sum_available',
    expected: 'sum_available',
    found: 'available',
    subject: `'available'`,
  },
  {
    kind: 'balance_without_row',
    when: 'frozen <> sum_frozen',
    expected: 'sum_frozen',
    found: 'frozen',
    subject: `'frozen'`,
  },
  {
    kind: 'ledger_row_missing',
    when: 'seq > last_seq',
    expected: `'a row'`,
    found: 'null',
    subject: `format('seq %s–%s', last_seq + 1, seq)`,
  },
  { kind: 'wallet_sequence', when: 'seq < last_seq', expected: 'last_seq', found: 'seq', subject: `'seq'` },
  {
    kind: 'frozen_total',
    when: 'frozen <> open_amount',
    expected: 'open_amount',
    found: 'frozen',
    subject: `'frozen'`,
  },
  {
    kind: 'conservation',
    when: 'credited <> coalesce(available + frozen, 0) + charged',
    expected: 'credited',
    found: 'coalesce(available + frozen, 0) + charged',
    subject: `'available + frozen + charged'`,
  },
]);

const QUOTA_DAYS = `
  with joined as (
    select account_id, null::text as tier, null::text as request_id, api_key_id, day, coalesce(q.used, 0) as used,
        coalesce(f.used, 0) as summed
      from (select * from quota_day where account_id between $1 and $2) q
      full join (select f.account_id, f.api_key_id, f.quota_day as day,
          sum(case when f.ended_at is null then f.amount else 0 end + coalesce(u.credits_used, 0)) as used
        from book_freeze f left join book_usage u
          on u.account_id = f.account_id and u.request_id = f.id
        group by f.account_id, f.api_key_id, f.quota_day) f using (account_id, api_key_id, day)
  )`;

/** Each quota day against the open freezes and the prices of the ended ones. */
export const QUOTA_DIFFERENCES = differencesQuery(QUOTA_DAYS, [
  {
    kind: 'quota_window',
    when: 'used <> summed',
    expected: 'summed',
    found: 'used',
    subject: `format('key %s, day %s', api_key_id, day)`,
  },
]);
