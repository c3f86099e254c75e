import fc from 'fast-check';
import { micros, usdMicros } from '../../platform/money/index.js';
import type { TokenUsage } from '../../provider/index.js';
import type { PriceRates } from '../../router/index.js';
import { priceOf, usdOf } from './price.js';

const tokens = fc.integer({ min: 0, max: 10_000_000 });
const rate = fc.bigInt({ min: 0n, max: 10n ** 12n }).map(micros);
const usages: fc.Arbitrary<TokenUsage> = fc.record({
  inputTokens: tokens,
  outputTokens: tokens,
  cachedInputTokens: tokens,
  cachedOutputTokens: tokens,
});
const rates: fc.Arbitrary<PriceRates> = fc.record({
  inputPerMtok: rate,
  outputPerMtok: rate,
  cacheReadPerMtok: rate,
  cacheWritePerMtok: rate,
});
const NONE: TokenUsage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, cachedOutputTokens: 0 };

function exact(usage: TokenUsage, prices: PriceRates): bigint {
  return (
    BigInt(usage.inputTokens) * prices.inputPerMtok +
    BigInt(usage.outputTokens) * prices.outputPerMtok +
    BigInt(usage.cachedInputTokens) * prices.cacheReadPerMtok +
    BigInt(usage.cachedOutputTokens) * prices.cacheWritePerMtok
  );
}

describe('priceOf', () => {
  it('prices the example of the contract', () => {
    const prices = {
      inputPerMtok: micros(200_000_000n),
      outputPerMtok: micros(900_000_000n),
      cacheReadPerMtok: micros(20_000_000n),
      cacheWritePerMtok: micros(250_000_000n),
    };
    expect(priceOf({ ...NONE, inputTokens: 100, outputTokens: 15 }, prices)).toBe(33_500n);
    expect(priceOf({ ...NONE, cachedInputTokens: 1 }, prices)).toBe(20n);
  });

  it('rounds up, and only once', () => {
    fc.assert(
      fc.property(usages, rates, (usage, prices) => {
        const price = priceOf(usage, prices) * 1_000_000n;
        const sum = exact(usage, prices);
        expect(price >= sum && price - sum < 1_000_000n).toBe(true);
      }),
    );
  });

  it('never falls when more is used, and is free only when nothing is owed', () => {
    fc.assert(
      fc.property(usages, usages, rates, (usage, more, prices) => {
        const both: TokenUsage = {
          inputTokens: usage.inputTokens + more.inputTokens,
          outputTokens: usage.outputTokens + more.outputTokens,
          cachedInputTokens: usage.cachedInputTokens + more.cachedInputTokens,
          cachedOutputTokens: usage.cachedOutputTokens + more.cachedOutputTokens,
        };
        expect(priceOf(both, prices) >= priceOf(usage, prices)).toBe(true);
        expect(priceOf(both, prices) <= priceOf(usage, prices) + priceOf(more, prices)).toBe(true);
        expect(priceOf(usage, prices) === 0n).toBe(exact(usage, prices) === 0n);
      }),
    );
  });

  it('refuses what is no count', () => {
    const prices = {
      inputPerMtok: micros(1n),
      outputPerMtok: micros(1n),
      cacheReadPerMtok: micros(1n),
      cacheWritePerMtok: micros(1n),
    };
    for (const wrong of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => priceOf({ ...NONE, outputTokens: wrong }, prices)).toThrow(RangeError);
    }
  });
});

describe('costs in USD', () => {
  it('converts credits at the rate of the tier, to the nearest micro-USD', () => {
    expect(usdOf(micros(33_962n), usdMicros(10_000n))).toBe(340n);
    expect(usdOf(micros(50n), usdMicros(10_000n))).toBe(1n);
    expect(usdOf(micros(49n), usdMicros(10_000n))).toBe(0n);
  });
});
