import { Injectable } from '@nestjs/common';
import { EventLog, type NewEvent } from '../events/index.js';
import { formatDecimal, type Micros } from '../platform/money/index.js';
import type { Tier } from './domain/tier.js';
import { LowBalanceRepository, type Crossing } from './persistence/low-balance.repository.js';

/** Wallets of one transaction. */
const BATCH_MAX = 500;
/** Of one run; what is left is for the next one. */
const BATCHES_MAX = 20;

/** Thresholds of wallets, and the event when one runs low. Requests have no part in it. */
@Injectable()
export class LowBalanceService {
  constructor(
    private readonly rows: LowBalanceRepository,
    private readonly events: EventLog,
  ) {}

  /** Micro-credits by tier, where there is a threshold. */
  thresholds(accountId: string): Promise<Map<Tier, Micros>> {
    return this.rows.thresholds(accountId);
  }

  /** @param thresholdMicros greater than 0; `null` for none. */
  async setThreshold(accountId: string, tier: Tier, thresholdMicros: Micros | null): Promise<void> {
    if (thresholdMicros === null) await this.rows.remove(accountId, tier);
    else await this.rows.set(accountId, tier, thresholdMicros);
  }

  /**
   * Raises one event for each wallet that has less available than its threshold, unless that was done since it last had
   * enough. What was raised and the event are one transaction: no crash and no second process makes it none or two.
   * @returns how many wallets have crossed their threshold, either way.
   */
  async look(): Promise<number> {
    let total = 0;
    for (let batch = 0; batch < BATCHES_MAX; batch++) {
      const count = await this.rows.inTransaction(async (transaction) => {
        const crossings = await this.rows.crossed(transaction, BATCH_MAX);
        await this.events.raise(crossings.filter(({ isLow }) => isLow).map(eventOf), transaction);
        return crossings.length;
      });
      total += count;
      if (count < BATCH_MAX) break;
    }
    return total;
  }
}

function eventOf({ accountId, tier, availableMicros, thresholdMicros }: Crossing): NewEvent {
  return {
    kind: 'low_balance',
    accountId,
    subject: { type: 'wallet', id: `${accountId}/${tier}` },
    data: { tier, available: formatDecimal(availableMicros), threshold: formatDecimal(thresholdMicros) },
  };
}
