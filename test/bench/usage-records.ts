import type { SqlClient } from './ledger-books.js';

export interface UsagePlan {
  /** Usage records, spread over the year that ends now. */
  records: number;
  /** Records of one statement; all of it is memory and disk of the server for a while. */
  chunk?: number;
}

const CHUNK = 500_000;

/**
 * 300 accounts with 1,000 keys; 40 models in three tiers of 8 providers. A few keys have most of the traffic, and each of
 * them calls a few models.
 */
const ACCOUNTS = `create temp table bench_account as select no, gen_random_uuid() as id from generate_series(1, 300) as no`;
const KEYS_OF_ACCOUNTS = `
  create temp table bench_key as
    select k as no, gen_random_uuid() as id, a.id as account_id, 1 + abs(hashint4(k)) % 4 as models
      from generate_series(1, 1000) as k join bench_account a on a.no = 1 + floor(300 * power(abs(hashint4(k + 7)) / 2147483648.0, 2))::integer`;
const MODELS = `
  create temp table bench_model as
    select no, gen_random_uuid() as id, gen_random_uuid() as price_id, 'vendor-' || 1 + no % 8 || '/model-' || no as model_key,
        (array['economy', 'standard', 'premium'])[1 + no % 3] as tier, 'vendor-' || 1 + no % 8 as first, 'vendor-' || 1 + (no + 3) % 8 as second
      from generate_series(0, 39) as no`;

/** Requests `$1` to `$2` of `$3`, in order of time. */
const RECORDS = `
  insert into usage_record (account_id, request_id, client_request_id, api_key_id, model_id, model_key, provider, tier, stream,
      status, input_tokens, output_tokens, cached_input_tokens, cached_output_tokens, credits_used, credits_charged, shortfall,
      usd_cost, provider_cost_usd, usage_source, price_id, frozen, outcome, created_at, settled_at)
    select account_id, 'gwr_' || lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || left(md5(n::text), 20),
        'req-' || left(md5('c' || n), 24), key_id, model_id, model_key, case when status in ('settled', 'failed') then provider end, tier,
        n % 2 = 0, status, charged * input, charged * output, charged * cached, charged * (n % 40), charged * price,
        charged * (price - shortfall), charged * shortfall, charged * price / 100, charged * price / 140,
        case when charged = 0 then 'unavailable' when n % 50 = 0 then 'estimated' else 'provider' end, price_id, price + 4000,
        case when status in ('settled', 'failed') then jsonb_build_object('disposition', 'charge', 'reason', 'complete', 'status', 200,
          'usageSource', 'provider', 'providerName', provider, 'priceId', price_id, 'creditsUsedMicros', price::text,
          'firstTokenMs', case when n % 2 = 0 then round((150 * exp(2 * r3))::numeric, 1) end,
          'durationMs', round((400 * exp(3 * r3 * r2))::numeric, 1)) end,
        at, at + interval '2 seconds'
      from (select n, at, k.account_id, k.id as key_id, m.id as model_id, m.price_id, m.model_key, m.tier,
            case when r2 < 0.9 then m.first else m.second end as provider, r2, r3,
            case when r3 < 0.965 then 'settled' when r3 < 0.99 then 'released' when r3 < 0.995 then 'expired' else 'failed' end as status,
            (r3 < 0.965)::integer as charged, 20 + floor(4000 * r2 * r2)::integer as input, 10 + floor(1500 * r3 * r3)::integer as output,
            case when r2 > 0.7 then 1024 else 0 end as cached,
            (20 + floor(4000 * r2 * r2) + 2 * floor(1500 * r3 * r3))::bigint as price,
            case when r2 > 0.999 then 5 else 0 end::bigint as shortfall
          from (select n, now() - interval '365 days' * (1 - n::float8 / $3::float8) as at, random() as r1, random() as r2, random() as r3, random() as r4
              from generate_series($1::integer, $2::integer) as n offset 0) r
            join bench_key k on k.no = 1 + floor(1000 * power(r1, 3))::integer
            join bench_model m on m.no = (k.no * 7 + floor(k.models * r4)::integer * 3) % 40) r
      order by n`;

/**
 * Fills an empty, migrated database with usage records by statements over whole tables; needs a superuser.
 * @param progress told what is done next.
 */
export async function fillUsage(sql: SqlClient, plan: UsagePlan, progress: (text: string) => void): Promise<void> {
  const chunk = plan.chunk ?? CHUNK;
  await sql.query(`set work_mem = '64MB'; set maintenance_work_mem = '512MB'; set jit = off; set timezone = 'UTC'`);
  await sql.query('set synchronous_commit = off; set max_parallel_workers_per_gather = 0');
  for (const statement of [ACCOUNTS, KEYS_OF_ACCOUNTS, MODELS]) await sql.query(statement);
  for (const table of ['bench_account', 'bench_key', 'bench_model']) await sql.query(`analyze ${table}`);
  await sql.query(
    `insert into account (id, kind, name) select id, 'organization', 'account ' || no from bench_account`,
  );
  // Indexes that grow in random order take most of the time; they are made at the end, at once.
  await sql.query(`update pg_index set indisready = false where indrelid = 'usage_record'::regclass`);
  for (let from = 1; from <= plan.records; from += chunk) {
    const to = Math.min(plan.records, from + chunk - 1);
    await sql.query(RECORDS, [from, to, plan.records]);
    progress(`${String(to)} records`);
  }
  progress('indexes and statistics');
  await sql.query('reindex table usage_record');
  await sql.query('vacuum (analyze) usage_record');
  await sql.query('drop table bench_account, bench_key, bench_model');
}

const OTHER_INDEXES = ['usage_rollup_account', 'usage_rollup_key', 'usage_rollup_model'];

/** Rolls up while there are only those indexes that rolling up reads; the others are made at the end, at once. */
export async function rolledInBulk(sql: SqlClient, roll: () => Promise<void>): Promise<void> {
  const { rows } = await sql.query(`select indexdef from pg_indexes where indexname = any($1)`, [OTHER_INDEXES]);
  await sql.query(`drop index ${OTHER_INDEXES.join(', ')}`);
  await roll();
  await sql.query(`set maintenance_work_mem = '512MB'`);
  for (const { indexdef } of rows as { indexdef: string }[]) await sql.query(indexdef);
  await sql.query('vacuum (analyze) usage_rollup');
}
