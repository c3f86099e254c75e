import { priceOf } from '../../billing/index.js';
import type { TokenUsage } from '../../provider/index.js';
import type { PriceRates } from '../../router/index.js';
import type { Difference } from './difference.js';

/** A price version by its id. */
export interface PriceVersion extends PriceRates {
  id: string;
  modelId: string;
  version: number;
}

/** A usage record beside the outcome that it was priced from. */
export interface PricedRecord {
  accountId: string;
  tier: string;
  requestId: string;
  /** Pinned at the freeze, or named by a correction. */
  priceId: string;
  disposition: string;
  usage: TokenUsage;
  /** As told to the caller, micro-credits; `null` after a correction. */
  capturedMicros: string | null;
  /** Of the usage record, micro-credits. */
  creditsUsedMicros: string;
}

/**
 * Prices the tokens of an outcome again, with the function that priced the freeze and the settlement.
 * @param versionsOf every version of the model of a price, to say which one was used instead; asked only for a difference.
 * @returns what is wrong, if anything.
 */
export function differenceOfPrice(
  record: PricedRecord,
  pinned: PriceVersion | null,
  versionsOf: (modelId: string) => readonly PriceVersion[],
): Difference | null {
  const { accountId, tier, requestId } = record;
  const place = { accountId, tier, requestId };
  if (pinned === null) {
    return { ...place, kind: 'price_missing', subject: 'price_id', expected: record.priceId, found: null };
  }
  const expected = expectedPrice(record, pinned);
  if (record.creditsUsedMicros !== expected) {
    const used = versionsOf(pinned.modelId).find(
      (version) => version.id !== pinned.id && expectedPrice(record, version) === record.creditsUsedMicros,
    );
    if (used !== undefined) {
      const [subject, found] = ['version of credits_used', String(used.version)];
      return { ...place, kind: 'stale_price_version', subject, expected: String(pinned.version), found };
    }
    return { ...place, kind: 'wrong_price', subject: 'credits_used', expected, found: record.creditsUsedMicros };
  }
  if (record.capturedMicros === null || record.capturedMicros === expected) return null;
  return { ...place, kind: 'wrong_price', subject: 'outcome', expected, found: record.capturedMicros };
}

function expectedPrice({ disposition, usage }: PricedRecord, rates: PriceRates): string | null {
  if (disposition !== 'charge') return '0';
  try {
    return priceOf(usage, rates).toString();
  } catch {
    // Not token counts at all: no price is right.
    return null;
  }
}
