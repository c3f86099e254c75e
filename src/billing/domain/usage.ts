import type { Micros, UsdMicros } from '../../platform/money/index.js';
import type { Tier } from '../../wallet/index.js';
import type { UsageSource } from './outcome.js';

export type UsageStatus = 'pending' | 'settled' | 'released' | 'expired' | 'failed';

/** What one frozen request used and what became of it; `pending` until its freeze has ended. */
export interface UsageRecord {
  requestId: string;
  clientRequestId: string;
  apiKeyId: string;
  accountId: string;
  modelId: string;
  modelKey: string;
  provider: string | null;
  tier: Tier;
  stream: boolean;
  status: UsageStatus;
  inputTokens: number;
  outputTokens: number;
  cachedInputTokens: number;
  cachedOutputTokens: number;
  frozenMicros: Micros;
  /** The price; always `creditsChargedMicros` + `shortfallMicros`. */
  creditsUsedMicros: Micros;
  creditsChargedMicros: Micros;
  shortfallMicros: Micros;
  /** Price in USD at the rate of the tier when it was frozen. */
  usdCostMicros: UsdMicros;
  providerCostUsdMicros: UsdMicros;
  /** USD of the credits charged, less the provider's cost. */
  marginUsdMicros: UsdMicros;
  usageSource: UsageSource;
  /** The version that it is priced with. */
  priceId: string;
  /** How often it was corrected since its settlement. */
  corrections: number;
  createdAt: Date;
  settledAt: Date | null;
}

export interface UsageFilter {
  /** Gateway or client request id. */
  requestId?: string | undefined;
  apiKeyId?: string | undefined;
  accountId?: string | undefined;
  /** model_key or model_id. */
  model?: string | undefined;
  provider?: string | undefined;
  tier?: string | undefined;
  status?: UsageStatus | undefined;
  /** Inclusive. */
  from?: Date | undefined;
  /** Exclusive. */
  to?: Date | undefined;
}
