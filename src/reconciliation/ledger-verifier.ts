import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../platform/errors/index.js';
import { differencesOfChain } from './domain/broken-chain.js';
import { Differences } from './domain/difference.js';
import { differenceOfPrice, type PriceVersion } from './domain/price-check.js';
import { NOTHING_VERIFIED, reportOf, type VerifiedCounts, type VerifyReport } from './domain/report.js';
import type { AccountRange, BookSnapshot } from './persistence/book-snapshot.js';
import { Book } from './persistence/book.js';
import type { DifferenceRow } from './persistence/rules.js';

const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
/** About this many ledger rows are compared in one transaction: it ends within seconds, so that nothing waits for its end. */
const RANGE_ROWS = 100_000;
const RANGE_ACCOUNTS = 2_000;
/** Differences that are named when nobody says how many. */
export const KEPT_DEFAULT = 100;

export interface VerifyOptions {
  /** One account only. */
  accountId?: string | undefined;
  /** Differences that are named; all are counted. Default 100. */
  keptMax?: number | undefined;
  /** Rests as long as it has worked after each range, so that it takes half of a core at most. */
  gently?: boolean | undefined;
  /** Ends the verification after the current range, with `AbortError`. */
  signal?: AbortSignal | undefined;
}

/**
 * Recomputes every figure of the books from rows. Every rule is about one account, so each range of accounts is compared in
 * a snapshot of its own: requests in flight are either in it with everything they have written, or not at all.
 */
@Injectable()
export class LedgerVerifier {
  constructor(private readonly book: Book) {}

  /**
   * @throws AppError `not_found` for an account of which there is no row at all; an error when the database is away, and
   * `AbortError` when it was told to end.
   */
  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    const startedAt = new Date();
    const startedMs = performance.now();
    const differences = new Differences(options.keptMax ?? KEPT_DEFAULT);
    let counts: VerifiedCounts = NOTHING_VERIFIED;
    for (let first: string | null = options.accountId ?? FIRST_ID; first !== null;) {
      options.signal?.throwIfAborted();
      const rangeStartedMs = performance.now();
      const from: string = first;
      const { range, verified } = await this.book.atOneMoment(async (snapshot) => {
        if (options.accountId !== undefined && !(await snapshot.knowsAccount(from))) throw noSuchAccount();
        const next = options.accountId === undefined ? await rangeFrom(from, snapshot) : { first: from, last: from };
        return { range: next, verified: await new RangeCheck(snapshot, next, differences, options).run() };
      });
      counts = sumOf(counts, verified);
      first = options.accountId === undefined ? idAfter(range.last) : null;
      if (options.gently === true && first !== null) {
        await delay(performance.now() - rangeStartedMs, undefined, { signal: options.signal });
      }
    }
    return reportOf(counts, differences, startedAt, performance.now() - startedMs);
  }
}

function noSuchAccount(): AppError {
  return new AppError('not_found', 'no such account', { code: 'account_not_found' });
}

/** The ranges leave no id out: rows of accounts without a wallet are in one of them too. */
async function rangeFrom(first: string, snapshot: BookSnapshot): Promise<AccountRange> {
  const { ids, isLast } = await snapshot.accountsFrom(first, RANGE_ROWS, RANGE_ACCOUNTS);
  return { first, last: isLast ? LAST_ID : (ids.at(-1) ?? LAST_ID) };
}

function idAfter(id: string): string | null {
  if (id === LAST_ID) return null;
  const hex = (BigInt(`0x${id.replaceAll('-', '')}`) + 1n).toString(16).padStart(32, '0');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function sumOf(one: VerifiedCounts, other: VerifiedCounts): VerifiedCounts {
  return {
    wallets: one.wallets + other.wallets,
    rows: one.rows + other.rows,
    freezes: one.freezes + other.freezes,
    openFreezes: one.openFreezes + other.openFreezes,
    usageRecords: one.usageRecords + other.usageRecords,
  };
}

/** All comparisons of one range of accounts. */
class RangeCheck {
  private readonly prices = new Map<string, PriceVersion>();
  private readonly limit: number;

  constructor(
    private readonly snapshot: BookSnapshot,
    private readonly range: AccountRange,
    private readonly differences: Differences,
    private readonly options: VerifyOptions,
  ) {
    this.limit = Math.max(options.keptMax ?? KEPT_DEFAULT, 1);
  }

  async run(): Promise<VerifiedCounts> {
    const counts = await this.snapshot.counts(this.range);
    await this.compareChains();
    for (const rows of await this.snapshot.differences(this.range, this.limit)) this.take(rows);
    for await (const records of this.snapshot.pricedRecords(this.range)) {
      this.options.signal?.throwIfAborted();
      await this.loadPrices(new Set(records.map(({ priceId }) => priceId)));
      for (const record of records) {
        const difference = differenceOfPrice(record, this.prices.get(record.priceId) ?? null, (modelId) =>
          [...this.prices.values()].filter((version) => version.modelId === modelId),
        );
        if (difference !== null) this.differences.add(difference);
      }
    }
    return counts;
  }

  private async compareChains(): Promise<void> {
    const { rows, total } = await this.snapshot.brokenRows(this.range, this.limit);
    const found = differencesOfChain(rows);
    for (const difference of found) this.differences.add(difference);
    if (total > found.length) this.differences.count('ledger_row_edited', total - found.length);
  }

  private take(rows: readonly DifferenceRow[]): void {
    const totals = new Map(rows.map(({ kind, total }) => [kind, Number(total)]));
    for (const [kind, total] of totals) this.differences.count(kind, total);
    for (const row of rows) {
      const { kind, account_id: accountId, tier, request_id: requestId, subject, expected, found } = row;
      this.differences.keep({ kind, accountId, tier, requestId, subject, expected, found });
    }
  }

  private async loadPrices(ids: ReadonlySet<string>): Promise<void> {
    const unknown = [...ids].filter((id) => !this.prices.has(id));
    if (unknown.length === 0) return;
    for (const price of await this.snapshot.pricesLike(unknown)) this.prices.set(price.id, price);
  }
}
