import fc from 'fast-check';
import { micros } from '../../platform/money/index.js';
import { affordablePart, ANSWER_LEAST_TOKENS, elasticFreeze, elasticStep, outputTokensFor } from './elastic.js';
import type { CostEstimate } from './estimate.js';
import { priceOf } from './price.js';

const rate = fc.bigInt({ min: 0n, max: 5_000_000_000n }).map((value) => micros(value));
const ratesOf = fc.record({ inputPerMtok: rate, outputPerMtok: rate, cacheReadPerMtok: rate, cacheWritePerMtok: rate });
const amount = fc.bigInt({ min: 0n, max: 100_000_000n }).map((value) => micros(value));
const choices = fc.integer({ min: 1, max: 16 });

function estimateOf(inputTokens: number, tokensPerChoice: number, n: number): CostEstimate {
  const outputTokens = tokensPerChoice * n;
  return {
    inputTokens,
    choices: n,
    outputTokens,
    hiddenTokens: 0,
    requestedTokens: outputTokens,
    amountMicros: micros(1),
  };
}

function priceOfTokens(inputTokens: number, outputTokens: number, rates: Parameters<typeof priceOf>[1]): bigint {
  return priceOf({ inputTokens, outputTokens, cachedInputTokens: 0, cachedOutputTokens: 0 }, rates);
}

describe('the part of an answer that a wallet pays for', () => {
  it('costs no more than is there, and one token a choice more would', () => {
    const tokens = fc.integer({ min: 1, max: 40_000 });
    fc.assert(
      fc.property(tokens, tokens, choices, ratesOf, amount, (input, output, n, rates, available) => {
        const part = affordablePart(estimateOf(input, output, n), rates, available);
        if (part === null) {
          const least = Math.min(ANSWER_LEAST_TOKENS, output + 1) * n;
          expect(
            output < ANSWER_LEAST_TOKENS || priceOfTokens(input, least, rates) > available || available === 0n,
          ).toBe(true);
          return;
        }
        const price = priceOfTokens(input, part.outputTokens, rates);
        expect(price).toBeLessThanOrEqual(available);
        expect(part.amountMicros).toBe(price > 0n ? price : 1n);
        expect(part.outputTokens % n).toBe(0);
        const isWhole = part.outputTokens === output * n;
        expect(isWhole || priceOfTokens(input, part.outputTokens + n, rates) > available).toBe(true);
      }),
    );
  });

  it('is none when the prompt could not be estimated', () => {
    const rates = {
      inputPerMtok: micros(1),
      outputPerMtok: micros(1),
      cacheReadPerMtok: micros(1),
      cacheWritePerMtok: micros(1),
    };
    expect(affordablePart(estimateOf(0, 100, 1), rates, micros(1_000_000n))).toBeNull();
  });
});

describe('a step of a stream', () => {
  it('is what is wanted while nothing is known or the wallet is full, and never nothing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 64, max: 1_024 }), choices, ratesOf, amount, (perChoice, n, rates, seen) => {
        const wanted = perChoice * n;
        expect(elasticStep(wanted, null, rates, n)).toBe(wanted);
        const step = elasticStep(wanted, seen, rates, n);
        expect(step).toBeLessThanOrEqual(wanted);
        expect(step).toBeGreaterThanOrEqual(64 * n);
        if (outputTokensFor(seen / 32n, rates) >= wanted) expect(step).toBe(wanted);
      }),
    );
  });

  it('leaves room for others: thirty beginners take less than what was there', () => {
    const rates = {
      inputPerMtok: micros(0),
      outputPerMtok: micros(1_000_000),
      cacheReadPerMtok: micros(0),
      cacheWritePerMtok: micros(0),
    };
    let available = micros(30n * 150n);
    for (let begun = 0; begun < 30; begun++) {
      const { amountMicros } = elasticFreeze(estimateOf(10, 1_024, 1), rates, available);
      available = micros(available - amountMicros);
    }
    expect(available).toBeGreaterThan(0n);
  });
});
