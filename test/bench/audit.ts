import { Client } from 'pg';
import { auditLedger, rowsOf } from '../support/audit.js';
import { pollUntil } from '../support/poll.js';

const SETTLE_TIMEOUT_MS = 60_000;

export interface MoneyAudit {
  freezes: number;
  usageRecords: number;
  /** What is wrong with the books, one line a difference. */
  differences: string[];
  settleLagMs: number;
}

const PENDING = `select count(*)::int as pending from wallet_freeze where state in ('held', 'captured')`;
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

/** Recomputes all the money, after every freeze has ended. */
export async function auditMoney(databaseUrl: string): Promise<MoneyAudit> {
  const settleLagMs = await waitUntilSettled(databaseUrl);
  return connected(databaseUrl, async (client) => {
    const counts = (await client.query<{ freezes: number; records: number }>(COUNTS)).rows[0];
    return {
      freezes: counts?.freezes ?? 0,
      usageRecords: counts?.records ?? 0,
      differences: await auditLedger(rowsOf(client)),
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
