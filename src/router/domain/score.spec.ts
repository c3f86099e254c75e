import fc from 'fast-check';
import { micros, usdMicros } from '../../platform/money/index.js';
import { blendedUsdPerMtok, cheapness, merit, SCORE_WEIGHTS, tokenMixOf, totalScore } from './score.js';

const rates = (input: number, output: number) => ({
  inputPerMtok: micros(input * 1_000_000),
  outputPerMtok: micros(output * 1_000_000),
  cacheReadPerMtok: micros(0),
  cacheWritePerMtok: micros(0),
});

describe('the score of auto', () => {
  it('has weights that add up to 1', () => {
    const { quality, price, health } = SCORE_WEIGHTS;
    expect(quality + price + health).toBeCloseTo(1, 12);
  });

  it('is between 0 and 1', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 100, noNaN: true }),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        (mci, usd) => {
          const score = totalScore(merit(mci, usd), 1);
          expect(score >= 0 && score <= 1).toBe(true);
        },
      ),
    );
  });

  it('trades ten times the price for 25 MCI points', () => {
    expect(merit(75, 5)).toBeCloseTo(merit(50, 0.5), 9);
  });

  it('never prefers the dearer of two models of equal quality', () => {
    const price = fc.double({ min: 0, max: 1_000, noNaN: true });
    fc.assert(
      fc.property(price, price, (one, other) => {
        if (one < other) expect(merit(50, one)).toBeGreaterThanOrEqual(merit(50, other));
      }),
    );
  });

  it.each([
    [0, 1],
    [0.01, 1],
    [0.1, 0.75],
    [1, 0.5],
    [10, 0.25],
    [100, 0],
    [100_000, 0],
  ])('calls a price of %d USD for a million tokens %d cheap', (usd, expected) => {
    expect(cheapness(usd)).toBeCloseTo(expected, 9);
  });

  it('compares credits of different tiers in USD', () => {
    const dearCredits = blendedUsdPerMtok(rates(100, 100), usdMicros(2_000), 1);
    const cheapCredits = blendedUsdPerMtok(rates(150, 150), usdMicros(1_000), 1);
    expect(dearCredits).toBeCloseTo(0.2, 9);
    expect(cheapCredits).toBeCloseTo(0.15, 9);
  });

  it('prices the mix of this request: output counts in long answers, input in long prompts', () => {
    const dearOutput = rates(1, 10);
    const dearInput = rates(10, 1);
    const writing = tokenMixOf({ inputTokens: 20, outputTokens: 4_000 });
    const reading = tokenMixOf({ inputTokens: 50_000, outputTokens: 100 });
    const usd = usdMicros(1_000);
    expect(blendedUsdPerMtok(dearOutput, usd, writing)).toBeGreaterThan(blendedUsdPerMtok(dearInput, usd, writing));
    expect(blendedUsdPerMtok(dearOutput, usd, reading)).toBeLessThan(blendedUsdPerMtok(dearInput, usd, reading));
  });

  it('keeps the mix while a talk grows by messages', () => {
    const mixes = [1_000, 1_500, 3_000, 8_000].map((inputTokens) => tokenMixOf({ inputTokens, outputTokens: 1_024 }));
    expect(new Set(mixes).size).toBe(1);
  });

  it('knows a mix for every estimate, also for none', () => {
    fc.assert(
      fc.property(fc.nat(10_000_000), fc.nat(10_000_000), (inputTokens, outputTokens) => {
        expect([0, 1, 2]).toContain(tokenMixOf({ inputTokens, outputTokens }));
      }),
    );
  });
});
