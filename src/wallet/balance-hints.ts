import { LRUCache } from 'lru-cache';
import type { Micros } from '../platform/money/index.js';
import type { Tier } from './domain/tier.js';

const HINTS_MAX = 50_000;

/**
 * What this process last saw of balances. A hint may admit a request, never refuse one: a refusal reads the row, and the
 * freeze alone decides.
 */
export class BalanceHints {
  private readonly balances = new LRUCache<string, Micros>({ max: HINTS_MAX });

  read(accountId: string, tier: Tier): Micros | undefined {
    return this.balances.get(accountId + tier);
  }

  note(accountId: string, tier: Tier, availableMicros: Micros): void {
    this.balances.set(accountId + tier, availableMicros);
  }
}
