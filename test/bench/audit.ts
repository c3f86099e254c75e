import { Client } from 'pg';
import { pollUntil } from '../support/poll.js';

const SETTLE_TIMEOUT_MS = 60_000;

export interface MoneyAudit {
  freezes: number;
  usageRecords: number;
  /** Wallets whose balance is not the sum of their ledger, or that still hold frozen credits. */
  wrongWallets: number;
  /** Top-ups and adjustments minus balances minus charges, in micro-credits: zero. */
  missingMicros: string;
  settleLagMs: number;
}

const PENDING = `select count(*)::int as pending from wallet_freeze where state in ('held', 'captured')`;
const WRONG = `
  select count(*)::int as wrong from wallet w left join lateral (
    select coalesce(sum(available_delta), 0) as available, coalesce(sum(frozen_delta), 0) as frozen, count(*) as rows
    from ledger_entry e where e.account_id = w.account_id and e.tier = w.tier) l on true
  where w.available <> l.available or w.frozen <> l.frozen or w.frozen <> 0 or w.seq <> l.rows`;
const MISSING = `
  select ((select coalesce(sum(available_delta), 0) from ledger_entry where kind in ('top_up', 'adjust'))
    - (select coalesce(sum(available + frozen), 0) from wallet)
    - (select coalesce(sum(credits_charged), 0) from usage_record))::text as missing`;
const COUNTS = `select (select count(*) from wallet_freeze)::int as freezes, (select count(*) from usage_record)::int as records`;

/** Waits until every freeze has ended. Cheap: it runs between measurements. @returns how long that took, ms. */
export async function waitUntilSettled(databaseUrl: string): Promise<number> {
  return connected(databaseUrl, async (client) => {
    const startedAt = performance.now();
    const none = async (): Promise<true | null> =>
      (await client.query<{ pending: number }>(PENDING)).rows[0]?.pending === 0 ? true : null;
    await pollUntil(none, 'every freeze to end', SETTLE_TIMEOUT_MS);
    return performance.now() - startedAt;
  });
}

/** Adds all the money up, after every freeze has ended. */
export async function auditMoney(databaseUrl: string): Promise<MoneyAudit> {
  const settleLagMs = await waitUntilSettled(databaseUrl);
  return connected(databaseUrl, async (client) => {
    const counts = (await client.query<{ freezes: number; records: number }>(COUNTS)).rows[0];
    return {
      freezes: counts?.freezes ?? 0,
      usageRecords: counts?.records ?? 0,
      wrongWallets: (await client.query<{ wrong: number }>(WRONG)).rows[0]?.wrong ?? -1,
      missingMicros: (await client.query<{ missing: string }>(MISSING)).rows[0]?.missing ?? 'unknown',
      settleLagMs,
    };
  });
}

async function connected<T>(databaseUrl: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
