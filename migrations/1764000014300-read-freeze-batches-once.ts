import type { MigrationInterface, QueryRunner } from 'typeorm';
import { reword, type Rewording } from '../src/platform/database/reword.js';

/**
 * A batch of freezes is read from its JSON once; before, it was read four times: for its members, its wallets, its quotas and
 * its rows.
 */
const PASSAGES: readonly Rewording[] = [
  [
    `r_wallet integer[]; r_quota integer[]; r_id text[]; r_amount bigint[]; r_daily bigint[]; r_weekly bigint[];
  r_rpm integer[]; r_concurrency integer[];`,
    `r_wallet integer[]; r_quota integer[]; r_account uuid[]; r_id text[]; r_tier text[]; r_key uuid[]; r_amount bigint[];
  r_daily bigint[]; r_weekly bigint[]; r_rpm integer[]; r_concurrency integer[]; r_model uuid[]; r_price uuid[];
  r_client text[]; r_stream boolean[]; r_facts jsonb[];`,
  ],
  [
    `select array_agg(m.wallet_no order by m.ord), array_agg(m.quota_no order by m.ord), array_agg(m.id order by m.ord),
      array_agg(m.amount order by m.ord), array_agg(m.limit_daily order by m.ord), array_agg(m.limit_weekly order by m.ord),
      array_agg(m.limit_rpm order by m.ord), array_agg(m.limit_concurrency order by m.ord), count(*)
    into r_wallet, r_quota, r_id, r_amount, r_daily, r_weekly, r_rpm, r_concurrency, n`,
    `select count(*), array_agg(m.wallet_no), array_agg(m.quota_no), array_agg(m.account_id), array_agg(m.id), array_agg(m.tier),
      array_agg(m.api_key_id), array_agg(m.amount), array_agg(m.limit_daily), array_agg(m.limit_weekly),
      array_agg(m.limit_rpm), array_agg(m.limit_concurrency), array_agg(m.model_id), array_agg(m.price_id),
      array_agg(m.client_request_id), array_agg(m.stream), array_agg(m.facts)
    into n, r_wallet, r_quota, r_account, r_id, r_tier, r_key, r_amount, r_daily, r_weekly, r_rpm, r_concurrency, r_model,
      r_price, r_client, r_stream, r_facts`,
  ],
  [
    `client_request_id, stream, facts, ord)) m;
  select array_agg(d.account_id order by d.account_id, d.tier), array_agg(d.tier order by d.account_id, d.tier)
    into w_account, w_tier
    from (select distinct r.account_id, r.tier from jsonb_to_recordset(p_requests) as r (account_id uuid, tier text)) d;
  select array_agg(d.account_id order by d.account_id, d.api_key_id), array_agg(d.api_key_id order by d.account_id, d.api_key_id),
      array_agg(d.weekly order by d.account_id, d.api_key_id), array_agg(d.rated order by d.account_id, d.api_key_id)
    into q_account, q_key, q_weekly, q_rated
    from (select r.account_id, r.api_key_id, bool_or(r.limit_weekly is not null) as weekly,
        bool_or(r.limit_rpm is not null or r.limit_concurrency is not null) as rated
      from jsonb_to_recordset(p_requests)
        as r (account_id uuid, api_key_id uuid, limit_weekly bigint, limit_rpm integer, limit_concurrency integer)
      group by r.account_id, r.api_key_id) d;`,
    `client_request_id, stream, facts, ord) order by r.ord) m;
  for i in 1 .. n loop
    w := r_wallet[i];
    q := r_quota[i];
    w_account[w] := r_account[i];
    w_tier[w] := r_tier[i];
    q_account[q] := r_account[i];
    q_key[q] := r_key[i];
    q_weekly[q] := coalesce(q_weekly[q], false) or r_weekly[i] is not null;
    q_rated[q] := coalesce(q_rated[q], false) or r_rpm[i] is not null or r_concurrency[i] is not null;
  end loop;`,
  ],
  [
    `from rows from (jsonb_to_recordset(p_requests) as (account_id uuid, id text, tier text, api_key_id uuid, amount bigint, limit_daily bigint,
  limit_weekly bigint, limit_rpm integer, limit_concurrency integer, model_id uuid, price_id uuid,
  client_request_id text, stream boolean, facts jsonb)) with ordinality as r (account_id, id, tier,
        api_key_id, amount, limit_daily, limit_weekly, limit_rpm, limit_concurrency, model_id, price_id,
        client_request_id, stream, facts, ord)
      where r_seq[r.ord] is not null;`,
    `from unnest(r_account, r_id, r_tier, r_key, r_amount, r_model, r_price, r_client, r_stream, r_facts, r_rpm, r_concurrency, r_seq)
        as r (account_id, id, tier, api_key_id, amount, model_id, price_id, client_request_id, stream, facts, limit_rpm,
          limit_concurrency, seq)
      where r.seq is not null;`,
  ],
];

export class ReadFreezeBatchesOnce1764000014300 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await reword(runner, 'wallet_freeze_many', PASSAGES);
  }

  async down(runner: QueryRunner): Promise<void> {
    const back = PASSAGES.map(([before, after]): Rewording => [after, before]);
    await reword(runner, 'wallet_freeze_many', back);
  }
}
