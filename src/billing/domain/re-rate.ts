import { ZERO_MICROS, type Micros } from '../../platform/money/index.js';
import type { TokenUsage } from '../../provider/index.js';
import type { PriceRates } from '../../router/index.js';
import { priceOf } from './price.js';
import type { UsageStatus } from './usage.js';

/** What rating a record again needs of it. */
export interface RatedUsage extends TokenUsage {
  accountId: string;
  requestId: string;
  modelKey: string;
  priceId: string;
  status: Exclude<UsageStatus, 'pending'>;
  /** What its outcome said, for records whose freeze ended before it came. */
  disposition: string | null;
  creditsUsedMicros: Micros;
}

/** A record whose amount is not the price of its tokens. */
export interface ReRateDifference {
  accountId: string;
  requestId: string;
  modelKey: string;
  priceId: string;
  recordedMicros: Micros;
  /** `null` when its price version does not exist. */
  reRatedMicros: Micros | null;
}

/** Sums over the records of one model that were priced with one version. */
export interface ReRateSum {
  modelKey: string;
  priceId: string;
  requests: number;
  recordedMicros: Micros;
  reRatedMicros: Micros;
}

/**
 * The price of a record's tokens at some rates. Nothing for a request that was released or failed; an outcome that came after
 * its freeze had ended has a price all the same, which the platform bears.
 */
export function reRated(usage: RatedUsage, rates: PriceRates): Micros {
  const isLate = usage.status === 'expired' || usage.status === 'released';
  const hasPrice = usage.status === 'settled' || (isLate && usage.disposition === 'charge');
  return hasPrice ? priceOf(usage, rates) : ZERO_MICROS;
}
