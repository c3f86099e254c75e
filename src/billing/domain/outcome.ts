import type { Attempt, Rescue, TokenUsage } from '../../provider/index.js';
import type { Freeze } from '../../wallet/index.js';
import type { UsageDoubt } from './usage-bounds.js';

export type UsageSource = 'provider' | 'estimated' | 'unavailable';

/**
 * The measured end of a request, written onto its freeze before the caller sees the end of the answer. Plain JSON:
 * amounts are decimal-free strings of micro-units. Two outcomes of one request are the same when their JSON is.
 */
export interface Outcome {
  disposition: 'charge' | 'release';
  /** Why it ended so: `complete`, `caller_gone`, `upstream_cut`, `quota_stop`, `maximum_exceeded`, `provider_failed`, … */
  reason: string;
  usage: TokenUsage;
  usageSource: UsageSource;
  /** Why the provider's own count does not count; absent when it does, or when there was none. */
  doubt?: UsageDoubt;
  /** Price of the usage under the pinned price version, micro-credits. */
  creditsUsedMicros: string;
  priceId: string;
  /** What the provider asks for the usage, micro-USD; also when the caller is not charged. */
  providerCostUsdMicros: string;
  providerName: string | null;
  endpointId: string | null;
  attempts: readonly Attempt[];
  rescued: Rescue | null;
  firstTokenMs: number | null;
  durationMs: number;
  /** HTTP status the caller saw. */
  status: number;
}

/** What the outcome on a freeze row says; `null` while there is none. */
export function outcomeOf(freeze: Pick<Freeze, 'outcome'> | null): Outcome | null {
  return (freeze?.outcome ?? null) as Outcome | null;
}
