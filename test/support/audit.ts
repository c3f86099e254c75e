import { Client } from 'pg';

/** Anything that runs SQL and gives rows: a TypeORM data source, or a pg client wrapped by `rowsOf`. */
export interface AuditSource {
  query<T>(sql: string): Promise<T>;
}

/** Each check lists what breaks it; no row means that it holds. All figures are recomputed from rows. */
const CHECKS: Readonly<Record<string, string>> = {
  'a wallet equals the sum of its rows and its sequence has no gap': `
    select w.account_id, w.tier, w.available, w.frozen, w.seq, e.available as sum_available, e.frozen as sum_frozen, e.rows
      from wallet w left join (select account_id, tier, sum(available_delta) as available, sum(frozen_delta) as frozen,
        count(*) as rows, max(seq) as last from ledger_entry group by account_id, tier) e using (account_id, tier)
      where w.available <> coalesce(e.available, 0) or w.frozen <> coalesce(e.frozen, 0) or w.seq <> coalesce(e.rows, 0)
        or w.seq <> coalesce(e.last, 0)`,
  'every row carries the balances after it': `
    select * from (select account_id, tier, seq, available_after, frozen_after,
        sum(available_delta) over w as available, sum(frozen_delta) over w as frozen from ledger_entry
        window w as (partition by account_id, tier order by seq)) r
      where available_after <> available or frozen_after <> frozen`,
  'nothing is negative': `select * from wallet where available < 0 or frozen < 0`,
  'what came in is there or was charged': `
    select w.account_id, w.tier, i.credited, w.available, w.frozen, u.charged from wallet w
      left join (select account_id, tier, sum(available_delta) as credited from ledger_entry
        where kind in ('top_up', 'adjust') group by account_id, tier) i using (account_id, tier)
      left join (select account_id, tier, sum(credits_charged) as charged from usage_record group by account_id, tier) u
        using (account_id, tier)
      where coalesce(i.credited, 0) <> w.available + w.frozen + coalesce(u.charged, 0)`,
  'frozen credits are those of open freezes': `
    select w.account_id, w.tier, w.frozen, f.amount from wallet w
      left join (select account_id, tier, sum(amount) as amount from wallet_freeze
        where state in ('held', 'captured') and ended_at is null group by account_id, tier) f using (account_id, tier)
      where w.frozen <> coalesce(f.amount, 0)`,
  'a freeze ends once, and all of it': `
    select f.account_id, f.id, f.state, e.ends, e.frozen from wallet_freeze f
      left join (select account_id, freeze_id, count(*) filter (where kind in ('settle', 'release', 'expire')) as ends,
        sum(frozen_delta) as frozen from ledger_entry where freeze_id is not null group by account_id, freeze_id) e
        on e.account_id = f.account_id and e.freeze_id = f.id
      where coalesce(e.ends, 0) <> case when f.ended_at is null then 0 else 1 end
        or coalesce(e.frozen, 0) <> case when f.ended_at is null then f.amount else 0 end`,
  'a freeze that has ended has a usage record, an open one has none': `
    select f.account_id, f.id, f.state, u.status from wallet_freeze f
      left join usage_record u on u.account_id = f.account_id and u.request_id = f.id
      where (f.ended_at is null) <> (u.request_id is null)`,
  'a usage record belongs to a freeze and fits its state': `
    select u.account_id, u.request_id, u.status, f.state from usage_record u
      left join wallet_freeze f on f.account_id = u.account_id and f.id = u.request_id
      where f.id is null or u.credits_used <> u.credits_charged + u.shortfall
        or (f.state <> 'captured' and f.state <> case u.status when 'failed' then 'released' else u.status end)
        or (u.status <> 'settled' and u.credits_charged <> 0)`,
  'a charge is what its ledger rows took': `
    select u.request_id, u.credits_charged, e.taken from usage_record u
      join (select account_id, freeze_id, -sum(available_delta + frozen_delta) as taken from ledger_entry
        where freeze_id is not null group by account_id, freeze_id) e
        on e.account_id = u.account_id and e.freeze_id = u.request_id
      where u.credits_charged <> e.taken`,
  'shortfalls are booked to the platform': `
    select coalesce(u.request_id, p.request_id) as id, u.shortfall, p.amount
      from (select * from usage_record where shortfall > 0) u
      full join platform_shortfall p on p.account_id = u.account_id and p.request_id = u.request_id
      where u.shortfall is distinct from p.amount`,
  'a quota window is the sum of its requests': `
    select q.account_id, q.api_key_id, q.day, q.used, f.used as summed from quota_day q
      full join (select f.account_id, f.api_key_id, f.quota_day as day,
          sum(case when f.ended_at is null then f.amount else 0 end + coalesce(u.credits_used, 0)) as used
        from wallet_freeze f left join usage_record u on u.account_id = f.account_id and u.request_id = f.id
        group by 1, 2, 3) f using (account_id, api_key_id, day)
      where coalesce(q.used, 0) <> coalesce(f.used, 0)`,
};

/**
 * Recomputes every figure of the wallets from rows.
 * @returns one line a difference; empty when the books are right.
 */
export async function auditLedger(source: AuditSource): Promise<string[]> {
  const differences: string[] = [];
  for (const [rule, sql] of Object.entries(CHECKS)) {
    const rows = await source.query<object[]>(`${sql} limit 20`);
    differences.push(...rows.map((row) => `${rule}: ${JSON.stringify(row)}`));
  }
  return differences;
}

/** Lets a pg client or pool be audited. */
export function rowsOf(client: { query(sql: string): Promise<{ rows: object[] }> }): AuditSource {
  return { query: async <T>(sql: string) => (await client.query(sql)).rows as T };
}

/** Audits a database on a connection of its own. */
export async function auditDatabase(url: string): Promise<string[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await auditLedger(rowsOf(client));
  } finally {
    await client.end();
  }
}
