import type { Micros } from '../../platform/money/index.js';
import type { Tier } from './tier.js';

/** Limits of the key that the freeze enforces; `null` does not restrict, 0 allows nothing. */
export interface KeyLimits {
  dailyMicros: Micros | null;
  weeklyMicros: Micros | null;
  requestsPerMinute: number | null;
  concurrency: number | null;
}

export interface FreezeRequest {
  /** Gateway request id. */
  id: string;
  clientRequestId: string;
  accountId: string;
  tier: Tier;
  apiKeyId: string;
  amountMicros: Micros;
  limits: KeyLimits;
  modelId: string;
  priceId: string;
  stream: boolean;
  /** What usage records and explanations need if the process dies: model key, routing, estimate. JSON. */
  facts: Record<string, unknown>;
}

export type FreezeRefusal =
  'wallet_too_low' | 'wallet_missing' | 'daily_quota' | 'weekly_quota' | 'rate_limit' | 'concurrency_limit';

export type FreezeResult =
  | { ok: true; availableMicros: Micros; frozenMicros: Micros }
  | { ok: false; refusal: FreezeRefusal; availableMicros: Micros; retryAfterS: number | null };

export interface ExtendRequest {
  id: string;
  accountId: string;
  /** Added to the freeze, all or nothing. */
  extraMicros: Micros;
  limits: KeyLimits;
}

/** Another model of the same tier answers instead, before anything of an answer exists. */
export interface ReassignRequest {
  id: string;
  accountId: string;
  modelId: string;
  priceId: string;
  /** Merged into the facts of the freeze. */
  facts: Record<string, unknown>;
}

export type ExtendResult =
  { ok: true; frozenMicros: Micros } | { ok: false; refusal: FreezeRefusal | 'freeze_ended'; frozenMicros: Micros };

/** `captured`: durable now; `duplicate`: the same outcome was there; `drift`: another one was; `late`: the freeze had ended. */
export type CaptureResult = 'captured' | 'duplicate' | 'drift' | 'late';

export type FreezeState = 'held' | 'captured' | 'settled' | 'released' | 'expired';
