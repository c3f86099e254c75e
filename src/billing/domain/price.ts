import { micros, MICROS_PER_UNIT, usdMicros, type Micros, type UsdMicros } from '../../platform/money/index.js';
import type { TokenUsage } from '../../provider/index.js';
import type { PriceRates } from '../../router/index.js';

/** Rates are quoted for this many tokens. */
const TOKENS_PER_RATE = 1_000_000n;

/**
 * The price of a usage, in micro-credits: the sum of tokens × rate over the four disjoint buckets, divided by 10⁶ and
 * rounded up once. Freeze, extension, answer and settlement are all priced by this function.
 * @throws RangeError when a count is not a non-negative integer.
 */
export function priceOf(usage: TokenUsage, rates: PriceRates): Micros {
  const total =
    BigInt(counted(usage.inputTokens)) * rates.inputPerMtok +
    BigInt(counted(usage.outputTokens)) * rates.outputPerMtok +
    BigInt(counted(usage.cachedInputTokens)) * rates.cacheReadPerMtok +
    BigInt(counted(usage.cachedOutputTokens)) * rates.cacheWritePerMtok;
  return micros((total + TOKENS_PER_RATE - 1n) / TOKENS_PER_RATE);
}

/** Credits in micro-USD at a rate in micro-USD a credit, rounded to the nearest, halves up. */
export function usdOf(amount: Micros, usdPerCredit: UsdMicros): UsdMicros {
  return usdMicros((amount * usdPerCredit + MICROS_PER_UNIT / 2n) / MICROS_PER_UNIT);
}

function counted(tokens: number): number {
  if (!Number.isSafeInteger(tokens) || tokens < 0) throw new RangeError(`not a token count: ${String(tokens)}`);
  return tokens;
}
