import { Injectable } from '@nestjs/common';
import { micros, type Micros } from '../platform/money/index.js';
import { parseTier, type Tier } from './domain/tier.js';
import type { Queryable } from './domain/wallet.js';
import { FreezeRepository, type ClaimedRow, type FailedAttempt } from './persistence/freeze.repository.js';
import { LeaseRepository } from './persistence/lease.repository.js';
import { ProcessLease } from './process-lease.js';

/** A captured freeze, as it was when it was claimed. */
export interface ClaimedFreeze {
  accountId: string;
  id: string;
  tier: Tier;
  priceId: string;
  amountMicros: Micros;
  facts: Readonly<Record<string, unknown>>;
  /** As captured; its shape is the billing module's. */
  outcome: unknown;
  /** Settlements of it that have failed so far. */
  attempts: number;
}

/** The back office of the wallet, for the settlement jobs of the billing module. */
@Injectable()
export class SettlementDesk {
  constructor(
    private readonly freezes: FreezeRepository,
    private readonly leases: LeaseRepository,
    private readonly lease: ProcessLease,
  ) {}

  /** Due outcomes, oldest first, without those that another worker is settling at that moment. */
  async claimCaptured(limit: number): Promise<ClaimedFreeze[]> {
    return (await this.freezes.claim(limit)).map(claimedOf);
  }

  /** Locks one outcome; `null` when it is settled or locked elsewhere. */
  async claimOne(accountId: string, id: string, transaction: Queryable): Promise<ClaimedFreeze | null> {
    const row = await this.freezes.claimOne(accountId, id, transaction);
    return row === null ? null : claimedOf(row);
  }

  /** Counts a failed settlement and spaces the next try. */
  noteFailure(failure: FailedAttempt): Promise<void> {
    return this.freezes.noteFailure(failure);
  }

  /** Age of the oldest due outcome in database time; `null` when there is none. */
  oldestPendingMs(): Promise<number | null> {
    return this.freezes.oldestPendingMs();
  }

  /**
   * Renews the lease of this process. A sweeper does this first, so that it never expires its own freezes.
   * @returns for how long the way to the database has not been interrupted, in milliseconds.
   */
  async renewOwnLease(): Promise<number> {
    await this.lease.renew();
    return this.lease.backForMs;
  }

  deleteOldLeases(): Promise<void> {
    return this.leases.deleteOld();
  }
}

function claimedOf(row: ClaimedRow): ClaimedFreeze {
  const tier = parseTier(row.tier);
  if (tier === null) throw new Error(`freeze ${row.id} has no known tier`);
  return {
    accountId: row.account_id,
    id: row.id,
    tier,
    priceId: row.price_id,
    amountMicros: micros(BigInt(row.amount)),
    facts: row.facts,
    outcome: row.outcome,
    attempts: row.settle_attempts,
  };
}
