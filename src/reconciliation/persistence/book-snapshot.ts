import type { QueryRunner } from 'typeorm';
import type { BrokenRow } from '../domain/broken-chain.js';
import type { PricedRecord, PriceVersion } from '../domain/price-check.js';
import type { VerifiedCounts } from '../domain/report.js';
import { CORRECTION_DIFFERENCES } from './correction-queries.js';
import { micros } from '../../platform/money/index.js';
import type { TokenUsage } from '../../provider/index.js';
import {
  OVERDUE_DIFFERENCES,
  PRICED_RECORDS,
  PRICES_BY_ID,
  REQUEST_DIFFERENCES,
  SHORTFALL_DIFFERENCES,
} from './request-queries.js';
import { allDifferences, type DifferenceRow } from './rules.js';
import {
  BROKEN_CHAIN,
  COUNTS,
  KNOWS_ACCOUNT,
  NEXT_ACCOUNTS,
  QUOTA_DIFFERENCES,
  WALLET_DIFFERENCES,
} from './wallet-queries.js';

/** Accounts from one id to another, both included. */
export interface AccountRange {
  first: string;
  last: string;
}

export interface BrokenRows {
  rows: BrokenRow[];
  total: number;
}

const FETCH_ROWS = 5_000;
const DIFFERENCES = allDifferences([
  WALLET_DIFFERENCES,
  REQUEST_DIFFERENCES,
  SHORTFALL_DIFFERENCES,
  OVERDUE_DIFFERENCES,
  QUOTA_DIFFERENCES,
  CORRECTION_DIFFERENCES,
]);

type Raw = Record<string, string | null>;

/** The books at one moment, as a repeatable-read transaction sees them. Valid until that transaction ends. */
export class BookSnapshot {
  constructor(private readonly runner: QueryRunner) {}

  /** Ids of accounts with wallets from `first` on that are about `rowsMax` ledger rows together; `isLast` when no more follow. */
  async accountsFrom(first: string, rowsMax: number, accountsMax: number): Promise<{ ids: string[]; isLast: boolean }> {
    const rows = await this.query<{ account_id: string; fits: boolean; listed: string }>(NEXT_ACCOUNTS, [
      first,
      rowsMax,
      accountsMax,
    ]);
    const ids = rows.filter(({ fits }) => fits).map(({ account_id: id }) => id);
    return { ids, isLast: ids.length === rows.length && rows.length < accountsMax };
  }

  /** Whether there is an account, or a row of one that is gone. */
  async knowsAccount(id: string): Promise<boolean> {
    const [row] = await this.query<{ known: boolean }>(KNOWS_ACCOUNT, [id]);
    return row?.known === true;
  }

  async counts(range: AccountRange): Promise<VerifiedCounts> {
    const [row] = await this.query<Raw>(COUNTS, [range.first, range.last]);
    return {
      wallets: Number(row?.['wallets']),
      rows: Number(row?.['rows']),
      freezes: Number(row?.['freezes']),
      openFreezes: Number(row?.['open_freezes']),
      usageRecords: Number(row?.['usage_records']),
    };
  }

  /** Ledger rows that do not follow on each other, the first `limit` of them. */
  async brokenRows(range: AccountRange, limit: number): Promise<BrokenRows> {
    const rows = await this.query<Raw>(BROKEN_CHAIN, [range.first, range.last, limit]);
    return { rows: rows.map(brokenRowOf), total: Number(rows[0]?.['total'] ?? 0) };
  }

  /** What each comparison finds, at most `limit` of a kind. */
  async differences(range: AccountRange, limit: number): Promise<DifferenceRow[][]> {
    const rows = await this.query<DifferenceRow & { part: number }>(DIFFERENCES, [range.first, range.last, limit]);
    return [...Map.groupBy(rows, ({ part }) => part).values()];
  }

  /** Usage records with their outcomes, a few thousand at a time. */
  async *pricedRecords(range: AccountRange): AsyncGenerator<PricedRecord[]> {
    await this.runner.query(`declare priced no scroll cursor for ${PRICED_RECORDS}`, [range.first, range.last]);
    for (let isLast = false; !isLast;) {
      const rows = await this.query<PricedRow>(`fetch ${FETCH_ROWS.toString()} from priced`, []);
      isLast = rows.length < FETCH_ROWS;
      yield rows.map(pricedRecordOf);
    }
    await this.runner.query('close priced');
  }

  /** All price versions of the models to which the given ones belong. */
  async pricesLike(ids: readonly string[]): Promise<PriceVersion[]> {
    return (await this.query<Record<string, string>>(PRICES_BY_ID, [ids])).map(priceVersionOf);
  }

  private async query<Row>(sql: string, parameters: readonly unknown[]): Promise<Row[]> {
    return (await this.runner.query(sql, [...parameters])) as Row[];
  }
}

interface PricedRow {
  account_id: string;
  tier: string;
  request_id: string;
  price_id: string;
  disposition: string;
  usage: TokenUsage;
  captured: string | null;
  credits_used: string;
}

function pricedRecordOf(row: PricedRow): PricedRecord {
  return {
    accountId: row.account_id,
    tier: row.tier,
    requestId: row.request_id,
    priceId: row.price_id,
    disposition: row.disposition,
    usage: row.usage,
    capturedMicros: row.captured,
    creditsUsedMicros: row.credits_used,
  };
}

function brokenRowOf(row: Raw): BrokenRow {
  const amount = (name: string): bigint => BigInt(row[name] ?? 0);
  return {
    accountId: row['account_id'] ?? '',
    tier: row['tier'] ?? '',
    seq: amount('seq'),
    requestId: row['freeze_id'] ?? null,
    availableDelta: amount('available_delta'),
    frozenDelta: amount('frozen_delta'),
    availableAfter: amount('available_after'),
    frozenAfter: amount('frozen_after'),
    seqBefore: amount('seq_before'),
    availableBefore: amount('available_before'),
    frozenBefore: amount('frozen_before'),
  };
}

function priceVersionOf(row: Record<string, string>): PriceVersion {
  const rate = (name: string) => micros(BigInt(row[name] ?? 0));
  return {
    id: row['id'] ?? '',
    modelId: row['model_id'] ?? '',
    version: Number(row['version']),
    inputPerMtok: rate('input_per_mtok'),
    outputPerMtok: rate('output_per_mtok'),
    cacheReadPerMtok: rate('cache_read_per_mtok'),
    cacheWritePerMtok: rate('cache_write_per_mtok'),
  };
}
