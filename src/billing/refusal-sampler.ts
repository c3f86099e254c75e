import { LRUCache } from 'lru-cache';

const WINDOW_MS = 60_000;
/** Keys that are counted apart; of more keys at once, the one that was refused longest ago starts anew. */
const KEYS_MAX = 10_000;

interface Window {
  startedMs: number;
  count: number;
}

export interface SamplerLimits {
  /** Of requests without a valid key, all together. */
  unauthenticatedPerMinute: number;
  perKeyPerMinute: number;
}

/**
 * Bounds how many traces of refused requests a process keeps: noise must not fill the disk. The first ones of each minute
 * are kept, which is what shows that something began to fail.
 */
export class RefusalSampler {
  private readonly windows = new LRUCache<string, Window>({ max: KEYS_MAX });

  constructor(private readonly limits: SamplerLimits) {}

  /** Counts a refusal. @returns whether its trace is kept. */
  keep(apiKeyId: string | null, nowMs: number): boolean {
    const name = apiKeyId ?? '';
    const kept = this.windows.get(name);
    const window = kept !== undefined && nowMs - kept.startedMs < WINDOW_MS ? kept : { startedMs: nowMs, count: 0 };
    if (window !== kept) this.windows.set(name, window);
    window.count += 1;
    return window.count <= (apiKeyId === null ? this.limits.unauthenticatedPerMinute : this.limits.perKeyPerMinute);
  }
}
