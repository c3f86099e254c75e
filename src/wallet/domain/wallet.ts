import type { Micros } from '../../platform/money/index.js';
import type { FreezeState } from './freeze.js';
import type { Tier } from './tier.js';

export interface WalletBalance {
  tier: Tier;
  availableMicros: Micros;
  frozenMicros: Micros;
}

export const LEDGER_KINDS = [
  'top_up',
  'freeze',
  'extend',
  'settle',
  'release',
  'expire',
  'adjust',
  /** Gives back what a settled request was charged. */
  'reversal',
  /** Charges what a reversed request should have been. */
  'correction',
] as const;
export type LedgerKind = (typeof LEDGER_KINDS)[number];

/** One immutable row: two signed deltas and both balances after it. */
export interface LedgerEntry {
  /** Unique for the account: `<tier>:<seq>`. */
  id: string;
  accountId: string;
  tier: Tier;
  /** Without gaps in its wallet, from 1. */
  seq: bigint;
  kind: LedgerKind;
  freezeId: string | null;
  availableDeltaMicros: Micros;
  frozenDeltaMicros: Micros;
  availableAfterMicros: Micros;
  frozenAfterMicros: Micros;
  note: string | null;
  createdAt: Date;
}

/** A change of a balance by an operator. */
export interface CreditRequest {
  accountId: string;
  tier: Tier;
  /** A top-up is positive; an adjustment has a sign and is not zero. */
  amountMicros: Micros;
  /** Reference of the top-up or reason of the adjustment. */
  note: string;
  /** Unique for the account for ever. */
  idempotencyKey: string;
}

export interface CreditResult {
  wallet: WalletBalance;
  entryId: string;
  /** The same request had been applied before; nothing changed now. */
  replayed: boolean;
}

export interface QuotaUsed {
  /** Credits of the UTC day, reserved or settled. */
  dailyMicros: Micros;
  /** Credits since Monday 00:00 UTC. */
  weeklyMicros: Micros;
}

/** A freeze as a row, for settlement, lists and explanations. */
export interface Freeze {
  id: string;
  accountId: string;
  tier: Tier;
  apiKeyId: string;
  processId: string;
  state: FreezeState;
  amountMicros: Micros;
  extensions: number;
  modelId: string;
  priceId: string;
  clientRequestId: string;
  stream: boolean;
  facts: Record<string, unknown>;
  /** The billing module's outcome; `null` while held. */
  outcome: unknown;
  settleAttempts: number;
  settleError: string | null;
  createdAt: Date;
  capturedAt: Date | null;
  endedAt: Date | null;
}

export interface FreezeFilter {
  /** Gateway or client request id. */
  requestId?: string | undefined;
  accountId?: string | undefined;
  apiKeyId?: string | undefined;
  tier?: string | undefined;
  states?: readonly FreezeState[] | undefined;
  /** Only freezes made before this time. */
  createdBefore?: Date | undefined;
}

/** Anything that runs SQL: a transaction's manager, a data source. */
export interface Queryable {
  query<T>(sql: string, parameters?: unknown[]): Promise<T>;
}
