import { LRUCache } from 'lru-cache';
import type { Micros } from '../platform/money/index.js';
import type { Tier } from './domain/tier.js';

const HINTS_MAX = 50_000;
/** The tiers of one request are asked for one after the other: what was read this moment need not be read again. */
const JUST_READ_MS = 5;
/** So long a balance steers a choice; then the next freeze says what is true. */
const FRESH_MS = 5_000;

/**
 * What this process last saw of balances. A hint may admit a request, never refuse one: a refusal reads the row, and the
 * freeze alone decides.
 */
export class BalanceHints {
  private readonly balances = new LRUCache<string, { availableMicros: Micros; readMs: number; seenMs: number }>({
    max: HINTS_MAX,
  });

  /** `null` when the row has to be read. */
  hasBalance(accountId: string, tier: Tier): boolean | null {
    const hint = this.balances.get(accountId + tier);
    if (hint === undefined) return null;
    if (hint.availableMicros > 0n) return true;
    return performance.now() - hint.readMs < JUST_READ_MS ? false : null;
  }

  /** What was last seen available; `null` when nothing is known. */
  lastSeen(accountId: string, tier: Tier): Micros | null {
    return this.balances.get(accountId + tier)?.availableMicros ?? null;
  }

  /** What was seen available a moment ago; `null` when nothing is known, or others may have changed it since. */
  freshlySeen(accountId: string, tier: Tier): Micros | null {
    const hint = this.balances.get(accountId + tier);
    return hint === undefined || performance.now() - hint.seenMs > FRESH_MS ? null : hint.availableMicros;
  }

  /** From the answer of a freeze or a top-up. */
  note(accountId: string, tier: Tier, availableMicros: Micros): void {
    const seenMs = performance.now();
    this.balances.set(accountId + tier, { availableMicros, readMs: Number.NEGATIVE_INFINITY, seenMs });
  }

  /** From the row itself, now. */
  noteRead(accountId: string, tier: Tier, availableMicros: Micros): void {
    const readMs = performance.now();
    this.balances.set(accountId + tier, { availableMicros, readMs, seenMs: readMs });
  }
}
