import { usdMicros, type UsdMicros } from '../../platform/money/index.js';
import type { TokenUsage } from './call.js';
import type { Endpoint } from './endpoint.js';

/** Rates are quoted for this many tokens. */
const TOKENS_PER_RATE = 1_000_000n;

/**
 * What the provider will ask for a usage, in micro-USD, rounded up: all kinds of input at its input rate, because
 * endpoints have no rates for the prompt cache.
 * @throws RangeError when a count is not a whole number.
 */
export function providerCostOf(
  { inputTokens, cachedInputTokens, cachedOutputTokens, outputTokens }: TokenUsage,
  rates: Pick<Endpoint, 'inputUsdPerMtok' | 'outputUsdPerMtok'>,
): UsdMicros {
  const input = BigInt(inputTokens) + BigInt(cachedInputTokens) + BigInt(cachedOutputTokens);
  const total = input * rates.inputUsdPerMtok + BigInt(outputTokens) * rates.outputUsdPerMtok;
  return usdMicros((total + TOKENS_PER_RATE - 1n) / TOKENS_PER_RATE);
}
