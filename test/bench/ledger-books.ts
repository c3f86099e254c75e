/** Runs SQL; a pg client or a pool of one connection. */
export interface SqlClient {
  query(sql: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

export interface BooksPlan {
  /** Rows of the ledger, about. */
  rows: number;
  /** Model and price version of every request: 1, 2, 0.5 and 1.5 micro-credits a token, as `RATES` of the money world. */
  modelId: string;
  priceId: string;
}

/** One account in so many has a fifth of all requests; the others share the rest evenly. */
const REQUESTS_AN_ACCOUNT = 1_000;
const LARGEST_SHARE = 0.2;
/** Rows a request: two, three with an extension. */
const ROWS_A_REQUEST = 2.04;
const TABLES = ['wallet', 'ledger_entry', 'wallet_freeze', 'usage_record', 'quota_day'];

const ACCOUNTS = `
  create temp table book_account as
    select no, gen_random_uuid() as id, gen_random_uuid() as key_id,
        case no when 1 then $2::integer else $3::integer end as requests
      from generate_series(1, $1::integer) as no`;

/**
 * Each account's requests in order, spread over ninety days: one in fifty expires, one in twenty of the others grows, the last
 * one is still held. Prices are rounded up, as they are by the product.
 */
const REQUESTS = `
  create temp table book_request as
    select id as account_id, key_id, no, at, what,
        'gwr_' || lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || left(md5(id::text || no), 20) as id,
        tokens_in, tokens_out, tokens_cached, price, price + 4000 as amount, case what when 'grown' then price / 2 else 0 end as growth
      from (select a.id, a.key_id, r as no,
          date_trunc('day', now()) - interval '90 days' * (1 - r::float8 / (a.requests + 1)) as at,
          case when r = a.requests then 'held' when r % 50 = 0 then 'expired' when r % 20 = 0 then 'grown' else 'plain' end as what,
          10 + r % 400 as tokens_in, 20 + r % 700 as tokens_out, r % 5 * 101 as tokens_cached,
          (10 + r % 400) + 2 * (20 + r % 700) + (r % 5 * 101 + 1) / 2 as price
        from book_account a cross join lateral generate_series(1, a.requests) as r) r`;

/** In the order of time, as a living system writes them: the rows of one account are far apart. */
const LEDGER = `
  insert into ledger_entry (account_id, tier, seq, kind, freeze_id, available_delta, frozen_delta, available_after,
      frozen_after, idempotency_key, note, created_at)
    select account_id, 'standard', row_number() over w, kind, freeze_id, available, frozen, sum(available) over w,
        sum(frozen) over w, key, note, at
      from (
        select account_id, 0 as no, 0 as step, 'top_up' as kind, null as freeze_id, sum(amount) as available, 0::bigint as frozen,
            'admin:books' as key, 'books' as note, min(at) - interval '1 hour' as at
          from book_request group by account_id
        union all
        select account_id, no, 1, 'freeze', id, growth - amount, amount - growth, 'freeze:' || id, null, at from book_request
        union all
        select account_id, no, 2, 'extend', id, -growth, growth, 'extend:' || id || ':1', null, at + interval '1 second'
          from book_request where growth > 0
        union all
        select account_id, no, 3, case what when 'expired' then 'expire' else 'settle' end, id,
            case what when 'expired' then amount else amount - price end, -amount, 'end:' || id, null, at + interval '2 seconds'
          from book_request where what <> 'held') e
      window w as (partition by account_id order by no, step)
      order by at`;

const OUTCOME = `jsonb_build_object('disposition', 'charge', 'reason', 'complete', 'status', 200, 'usageSource', 'provider',
  'usage', jsonb_build_object('inputTokens', tokens_in, 'outputTokens', tokens_out, 'cachedInputTokens', tokens_cached,
    'cachedOutputTokens', 0),
  'priceId', $2::text, 'creditsUsedMicros', price::text, 'providerCostUsdMicros', '3', 'providerName', 'acme',
  'endpointId', $1::text, 'rescued', null, 'firstTokenMs', 23, 'durationMs', 67, 'attempts', jsonb_build_array(
    jsonb_build_object('provider', 'acme', 'endpointId', $1::text, 'upstreamModel', 'small-1', 'status', 200, 'reason', null,
      'failure', null, 'durationMs', 23)))`;
const HAS_OUTCOME = `what in ('plain', 'grown')`;

const FREEZES = `
  insert into wallet_freeze (account_id, id, tier, api_key_id, process_id, state, amount, extensions, quota_day, model_id,
      price_id, client_request_id, stream, facts, outcome, created_at, captured_at, ended_at)
    select account_id, id, 'standard', key_id, $1::uuid,
        case what when 'held' then 'held' when 'expired' then 'expired' else 'settled' end, amount, (growth > 0)::integer,
        (at at time zone 'utc')::date, $1::uuid, $2::uuid, 'req-' || left(id, 24), growth > 0,
        jsonb_build_object('reason', 'the request names this model', 'modelKey', 'acme/small', 'requestedModel', 'acme/small',
          'usdPerCreditMicros', '1000', 'estimatedInputTokens', tokens_in, 'estimatedOutputTokens', tokens_out),
        case when ${HAS_OUTCOME} then ${OUTCOME} end, at, case when ${HAS_OUTCOME} then at + interval '1 second' end,
        case what when 'held' then null else at + interval '2 seconds' end
      from book_request order by at`;

const USAGE = `
  insert into usage_record (account_id, request_id, client_request_id, api_key_id, model_id, model_key, provider, tier, stream,
      status, input_tokens, output_tokens, cached_input_tokens, credits_used, credits_charged, usd_cost, provider_cost_usd, usage_source,
      price_id, frozen, outcome, created_at, settled_at)
    select account_id, id, 'req-' || left(id, 24), key_id, $1::uuid, 'acme/small', 'acme', 'standard', growth > 0,
        case when ${HAS_OUTCOME} then 'settled' else 'expired' end, charged * tokens_in, charged * tokens_out,
        charged * tokens_cached, charged * price, charged * price, charged * ((price * 1000 + 500000) / 1000000), charged * 3,
        case when ${HAS_OUTCOME} then 'provider' else 'unavailable' end, $2::uuid, amount,
        case when ${HAS_OUTCOME} then ${OUTCOME} end, at, at + interval '2 seconds'
      from (select *, (${HAS_OUTCOME})::integer as charged from book_request where what <> 'held') r order by at`;

const WALLETS = `
  insert into wallet (account_id, tier, available, frozen, seq)
    select account_id, 'standard', sum(available_delta), sum(frozen_delta), max(seq) from ledger_entry group by account_id`;

const QUOTAS = `
  insert into quota_day (account_id, api_key_id, day, used)
    select account_id, key_id, (at at time zone 'utc')::date,
        sum(case when what = 'held' then amount when what = 'expired' then 0 else price end)
      from book_request group by 1, 2, 3`;

/**
 * Fills an empty, migrated database with consistent books, by statements over whole tables; needs a superuser. Requests are
 * repeatable but for the ids of accounts.
 * @param progress told what is done next.
 */
export async function fillBooks(sql: SqlClient, plan: BooksPlan, progress: (text: string) => void): Promise<void> {
  const requests = Math.max(100, Math.round(plan.rows / ROWS_A_REQUEST));
  const largest = Math.round(requests * LARGEST_SHARE);
  const others = Math.max(1, Math.round((requests - largest) / REQUESTS_AN_ACCOUNT));
  const each = Math.round((requests - largest) / others);
  await sql.query(`set work_mem = '256MB'; set maintenance_work_mem = '1GB'; set jit = off; set timezone = 'UTC'`);
  progress(`${String(requests)} requests of ${String(others + 1)} accounts`);
  await sql.query(ACCOUNTS, [others + 1, largest, each]);
  await sql.query(REQUESTS);
  await sql.query('analyze book_request');
  await sql.query(`insert into account (id, kind, name) select id, 'personal', 'books ' || no from book_account`);
  // The process that holds the open freezes lives.
  await sql.query(
    `insert into process_lease (process_id, role, lease_until) values ($1, 'gateway', now() + interval '1 day')`,
    [plan.modelId],
  );
  // Indexes that grow in random order take most of the time; they are made at the end, at once.
  await sql.query(`update pg_index set indisready = false where indrelid = any($1::regclass[])`, [TABLES]);
  const ids = [plan.modelId, plan.priceId];
  const steps: [string, string, string[]][] = [
    ['ledger rows', LEDGER, []],
    ['freezes', FREEZES, ids],
    ['usage records', USAGE, ids],
    ['wallets', WALLETS, []],
    ['quota days', QUOTAS, []],
  ];
  for (const [what, statement, values] of steps) {
    progress(what);
    await sql.query(statement, values);
  }
  progress('indexes and statistics');
  await sql.query('drop table book_request, book_account');
  for (const table of TABLES) {
    await sql.query(`reindex table ${table}`);
    await sql.query(`vacuum (analyze) ${table}`);
  }
}
