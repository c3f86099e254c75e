import { Injectable } from '@nestjs/common';
import { AppError } from '../platform/errors/index.js';
import { micros, ZERO_MICROS, type Micros } from '../platform/money/index.js';
import { BalanceHints } from './balance-hints.js';
import type {
  CaptureResult,
  ExtendRequest,
  ExtendResult,
  FreezeRequest,
  FreezeResult,
  ReassignRequest,
} from './domain/freeze.js';
import { TIERS, type Tier } from './domain/tier.js';
import type {
  CreditRequest,
  CreditResult,
  Freeze,
  FreezeFilter,
  LedgerEntry,
  Queryable,
  QuotaUsed,
  WalletBalance,
} from './domain/wallet.js';
import { FreezeDesk } from './freeze-desk.js';
import { FreezeRepository } from './persistence/freeze.repository.js';
import { WalletRepository, type CreditOutcome } from './persistence/wallet.repository.js';
import * as errors from './wallet.errors.js';

const OUT_OF_RANGE = '22003';
const UNIQUE_VIOLATION = '23505';

/** Balances, freezes and the ledger: the only way to anybody's credits. */
@Injectable()
export class WalletService {
  private readonly hints = new BalanceHints();

  constructor(
    private readonly desk: FreezeDesk,
    private readonly wallets: WalletRepository,
    private readonly freezes: FreezeRepository,
  ) {}

  /**
   * Reserves credits and quota for one request, durably, in one round trip.
   * @throws AppError `unavailable`; nothing stays frozen then.
   */
  async freeze(request: FreezeRequest): Promise<FreezeResult> {
    if (request.amountMicros <= 0n) throw new RangeError('a freeze must be positive');
    const result = await this.desk.freeze(request);
    this.hints.note(request.accountId, request.tier, result.availableMicros);
    return result;
  }

  /**
   * Adds to a held freeze, all or nothing.
   * @throws AppError `unavailable`; an extension that took effect unseen goes back with the settlement.
   */
  async extend(request: ExtendRequest): Promise<ExtendResult> {
    if (request.extraMicros <= 0n) throw new RangeError('an extension must be positive');
    return this.desk.extend(request);
  }

  /**
   * Pins a held freeze to another model and its price; the amount stays, `extend` it first where it is too small.
   * @returns whether it was still held; nothing has changed otherwise.
   */
  reassign(request: ReassignRequest): Promise<boolean> {
    return this.freezes.reassign(request);
  }

  /**
   * Writes the measured end of a request onto its freeze; on disk when this returns.
   * @throws AppError `unavailable` after two seconds without a database; the freeze expires then.
   */
  capture(accountId: string, freezeId: string, outcome: object): Promise<CaptureResult> {
    return this.desk.capture(accountId, freezeId, outcome);
  }

  /** Whether the wallet has anything available. A hint may say yes; no is said by the row. */
  async hasBalance(accountId: string, tier: Tier): Promise<boolean> {
    const hint = this.hints.hasBalance(accountId, tier);
    if (hint !== null) return hint;
    const available = await this.desk.available(accountId);
    for (const each of TIERS) this.hints.noteRead(accountId, each, available.get(each) ?? ZERO_MICROS);
    return (available.get(tier) ?? ZERO_MICROS) > 0n;
  }

  /** What this process last saw available, without asking; for sizes of steps, never for a decision. */
  lastSeenMicros(accountId: string, tier: Tier): Micros | null {
    return this.hints.lastSeen(accountId, tier);
  }

  /** What this process saw available within the last seconds, without asking; for preferences, never for a refusal. */
  freshlySeenMicros(accountId: string, tier: Tier): Micros | null {
    return this.hints.freshlySeen(accountId, tier);
  }

  /** All tiers, cheapest first; zeros for an unknown account. */
  balances(accountId: string): Promise<WalletBalance[]> {
    return this.wallets.balances(accountId);
  }

  /** Credits of the key in the current windows, from the rows. */
  quotaUsed(accountId: string, apiKeyId: string): Promise<QuotaUsed> {
    return this.wallets.quotaUsed(accountId, apiKeyId);
  }

  /** Makes the account's wallets, inside the transaction that makes the account. */
  ensureWallets(accountId: string, queryable: Queryable): Promise<void> {
    return this.wallets.ensureWallets(accountId, queryable);
  }

  /**
   * Adds credits. The same request with the same key is applied once and replayed afterwards.
   * @throws AppError `not_found` (account), `conflict` (key used for something else, account closed), `unprocessable`.
   */
  async topUp(request: CreditRequest): Promise<CreditResult> {
    if (request.amountMicros <= 0n) throw amountError('must be greater than zero');
    return this.credit('top_up', request);
  }

  /**
   * Corrects a balance by a signed amount, as a new row.
   * @throws AppError as `topUp`; `unprocessable` when more would be taken than is available.
   */
  async adjust(request: CreditRequest): Promise<CreditResult> {
    if (request.amountMicros === 0n) throw amountError('must not be zero');
    return this.credit('adjust', request);
  }

  /** Rows of one wallet, newest first. `cursor` is the `nextCursor` of the page before. */
  async ledger(
    accountId: string,
    tier: Tier,
    page: { limit: number; cursor: string | null },
  ): Promise<{ items: LedgerEntry[]; nextCursor: string | null }> {
    const beforeSeq = page.cursor !== null && /^\d{1,18}$/.test(page.cursor) ? BigInt(page.cursor) : null;
    const rows = await this.wallets.ledger(accountId, tier, page.limit + 1, beforeSeq);
    const items = rows.slice(0, page.limit);
    return { items, nextCursor: rows.length > page.limit ? (items.at(-1)?.seq.toString() ?? null) : null };
  }

  /** Freezes by state (open ones when none is given) and age, newest first. */
  async listFreezes(
    filter: FreezeFilter,
    page: { limit: number; cursor: string | null },
  ): Promise<{ items: Freeze[]; nextCursor: string | null }> {
    const rows = await this.freezes.list(filter, page.limit + 1, page.cursor);
    const items = rows.slice(0, page.limit);
    return { items, nextCursor: rows.length > page.limit ? (items.at(-1)?.id ?? null) : null };
  }

  /** How many freezes have not ended, and since when the oldest is open. */
  openFreezes(): Promise<{ count: number; oldestAt: Date | null }> {
    return this.freezes.open();
  }

  findFreeze(accountId: string, id: string): Promise<Freeze | null> {
    return this.freezes.find(accountId, id);
  }

  /** Every ledger row of one freeze, in their order. @param corrections how often its charge was corrected. */
  entriesOf(freeze: Freeze, corrections: number): Promise<LedgerEntry[]> {
    const { accountId, id } = freeze;
    const numbered = (kind: string, count: number): string[] =>
      Array.from({ length: count }, (_, at) => `${kind}:${id}:${(at + 1).toString()}`);
    return this.wallets.entries(accountId, [
      `freeze:${id}`,
      ...numbered('extend', freeze.extensions),
      `end:${id}`,
      ...numbered('reversal', corrections),
      ...numbered('correction', corrections),
    ]);
  }

  private async credit(kind: 'top_up' | 'adjust', request: CreditRequest): Promise<CreditResult> {
    const row = await this.wallets.credit(kind, request).catch((error: unknown) => {
      const state = error instanceof Error && 'code' in error ? error.code : null;
      if (state === OUT_OF_RANGE) throw errors.amountOutOfRange();
      if (state === UNIQUE_VIOLATION) throw errors.idempotencyConflict();
      throw error;
    });
    refuseCredit(row.result, BigInt(row.available ?? 0));
    const availableMicros = micros(BigInt(row.available ?? 0));
    this.hints.note(request.accountId, request.tier, availableMicros);
    return {
      wallet: { tier: request.tier, availableMicros, frozenMicros: micros(BigInt(row.frozen ?? 0)) },
      entryId: `${request.tier}:${row.seq ?? ''}`,
      replayed: row.result === 'replayed',
    };
  }
}

function refuseCredit(outcome: CreditOutcome, available: bigint): void {
  if (outcome === 'account_missing') throw errors.accountMissing();
  if (outcome === 'account_closed') throw errors.accountClosed();
  if (outcome === 'conflict') throw errors.idempotencyConflict();
  if (outcome === 'too_low') throw errors.adjustmentTooLarge(available);
}

function amountError(message: string): AppError {
  return new AppError('unprocessable', `amount ${message}`, { code: 'invalid_amount', param: 'amount' });
}
