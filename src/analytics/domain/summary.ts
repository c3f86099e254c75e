import type { Micros, UsdMicros } from '../../platform/money/index.js';
import type { Tier } from '../../wallet/index.js';
import type { Percentiles } from './latency.js';

/** What usage can be grouped by. */
export const GROUPINGS = ['key', 'account', 'model', 'provider', 'tier', 'status', 'day', 'hour'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** Ends of freezes; what has not ended is in no sum. */
export type EndedStatus = 'settled' | 'released' | 'expired' | 'failed';

export interface SummaryFilter {
  apiKeyId?: string | undefined;
  accountId?: string | undefined;
  modelKey?: string | undefined;
  provider?: string | undefined;
  tier?: Tier | undefined;
  status?: EndedStatus | undefined;
}

export interface SummaryRequest {
  filter: SummaryFilter;
  groupBy: readonly Grouping[];
  /** IANA name; begins of days and hours are of this zone. */
  timeZone: string;
  /** Inclusive; `null` for all from the first one. */
  from: Date | null;
  /** Exclusive; `null` for all up to now. */
  to: Date | null;
}

/** Sums over requests whose freeze has ended. */
export interface UsageSums {
  requests: number;
  streams: number;
  inputTokens: number;
  outputTokens: number;
  cachedInputTokens: number;
  cachedOutputTokens: number;
  creditsUsedMicros: Micros;
  creditsChargedMicros: Micros;
  shortfallMicros: Micros;
  usdCostMicros: UsdMicros;
  providerCostUsdMicros: UsdMicros;
  marginUsdMicros: UsdMicros;
}

export interface UsageGroup {
  /** The value of each grouping asked for: an id, a name, a local date, the UTC time at which an hour begins. */
  by: Readonly<Partial<Record<Grouping, string>>>;
  sums: UsageSums;
  /** From receipt to outcome; `null` when no request of the group says. */
  durationMs: Percentiles | null;
  firstTokenMs: Percentiles | null;
}

export interface UsageSummary {
  groups: readonly UsageGroup[];
  total: UsageGroup;
}
