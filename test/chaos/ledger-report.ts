import { type Client } from 'pg';
import { auditLedger, rowsOf } from '../support/audit.js';
import { pollUntil } from '../support/poll.js';
import type { Promised, Witness } from './callers.js';
import { TOP_UP_CREDITS } from './scene.js';

/** Freezes of the dead expire within 30 s; the sweeper then has a few seconds to go through them. */
const RECOVERY_TIMEOUT_MS = 90_000;
const IDS_PER_QUERY = 5_000;
const SHOWN_MAX = 20;

/** Sums over all rows. Amounts are decimal micro-credits. */
export interface MoneyFigures {
  freezes: number;
  extensions: number;
  frozen: bigint;
  charged: bigint;
  released: bigint;
  expired: bigint;
  shortfall: bigint;
  settledCount: number;
  releasedCount: number;
  expiredCount: number;
  /** From the making of a freeze to its end, ms. */
  longestFreezeMs: number;
}

const FIGURES = `
  select (select count(*) from wallet_freeze) as freezes,
    (select coalesce(sum(extensions), 0) from wallet_freeze) as extensions,
    (select coalesce(sum(amount), 0) from wallet_freeze) as frozen,
    (select coalesce(sum(credits_charged), 0) from usage_record) as charged,
    (select coalesce(sum(amount), 0) from wallet_freeze where state = 'released') as released,
    (select coalesce(sum(amount), 0) from wallet_freeze where state = 'expired') as expired,
    (select coalesce(sum(shortfall), 0) from usage_record) as shortfall,
    (select count(*) from wallet_freeze where state = 'settled') as settled_count,
    (select count(*) from wallet_freeze where state = 'released') as released_count,
    (select count(*) from wallet_freeze where state = 'expired') as expired_count,
    (select coalesce(max(extract(epoch from ended_at - created_at)) * 1000, 0)::bigint from wallet_freeze) as longest_ms`;

/** Waits until no freeze is open. @throws when one stays open. */
export async function untilRecovered(client: Client): Promise<void> {
  const open = `select 1 from wallet_freeze where state in ('held', 'captured') limit 1`;
  const none = async (): Promise<true | null> => ((await client.query(open)).rowCount === 0 ? true : null);
  await pollUntil(none, 'every freeze to end', RECOVERY_TIMEOUT_MS);
}

export async function figuresOf(client: Client): Promise<MoneyFigures> {
  const { rows } = await client.query<Record<string, string>>(FIGURES);
  const value = (name: string): bigint => BigInt(rows[0]?.[name] ?? 0);
  return {
    freezes: Number(value('freezes')),
    extensions: Number(value('extensions')),
    frozen: value('frozen'),
    charged: value('charged'),
    released: value('released'),
    expired: value('expired'),
    shortfall: value('shortfall'),
    settledCount: Number(value('settled_count')),
    releasedCount: Number(value('released_count')),
    expiredCount: Number(value('expired_count')),
    longestFreezeMs: Number(value('longest_ms')),
  };
}

/** Everything that is not as the callers were told, and everything that the books say against themselves. */
export async function differencesOf(client: Client, witness: Witness): Promise<string[]> {
  return [
    ...(await auditLedger(rowsOf(client))),
    ...(await brokenPromises(client, witness.promises)),
    ...(await chargedRefusals(client, witness.refused)),
    ...(await wrongTopUps(client, witness.topUps)),
  ];
}

/** Whole answers that were not charged at exactly the price that they named. */
async function brokenPromises(client: Client, promises: readonly Promised[]): Promise<string[]> {
  const found = await rowsInParts(
    client,
    `select p.id, p.price, u.status, u.credits_used from unnest($1::text[], $2::numeric[]) as p (id, price)
      left join usage_record u on u.request_id = p.id
      where u.status is distinct from 'settled' and not (p.price = 0 and u.status = 'released')
        or u.credits_used is distinct from round(p.price * 1000000)::bigint`,
    [promises.map(({ requestId }) => requestId), promises.map(({ creditsUsed }) => creditsUsed)],
  );
  return found.map((row) => `a whole answer is charged as it said: ${JSON.stringify(row)}`);
}

async function chargedRefusals(client: Client, refused: readonly string[]): Promise<string[]> {
  const found = await rowsInParts(
    client,
    `select u.request_id, u.status, u.credits_charged from unnest($1::text[]) as p (id)
      join usage_record u on u.request_id = p.id where u.credits_charged <> 0`,
    [refused],
  );
  return found.map((row) => `an error costs nothing: ${JSON.stringify(row)}`);
}

/** Each top-up was sent until it was taken, some more than once: it counts once. */
async function wrongTopUps(client: Client, topUps: number): Promise<string[]> {
  const { rows } = await client.query<{ booked: number }>(
    `select count(*)::int as booked from ledger_entry where kind = 'top_up' and available_delta = $1::numeric * 1000000
      and note like 'chaos %'`,
    [TOP_UP_CREDITS],
  );
  const booked = rows[0]?.booked ?? 0;
  return booked === topUps ? [] : [`a top-up is booked once: ${booked.toString()} booked, ${topUps.toString()} taken`];
}

async function rowsInParts(client: Client, sql: string, columns: readonly (readonly string[])[]): Promise<object[]> {
  const found: object[] = [];
  const length = columns[0]?.length ?? 0;
  for (let at = 0; at < length; at += IDS_PER_QUERY) {
    const values = columns.map((column) => column.slice(at, at + IDS_PER_QUERY));
    found.push(...(await client.query<object>(sql, values)).rows);
  }
  return found.slice(0, SHOWN_MAX);
}
