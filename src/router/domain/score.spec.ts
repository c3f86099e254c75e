import fc from 'fast-check';
import { micros, usdMicros } from '../../platform/money/index.js';
import { cheapness, creditsOf, expectedQuality, expectedSeconds, swiftness, tagShare, usdOf } from './score.js';

const rates = (input: number, output: number) => ({
  inputPerMtok: micros(input * 1_000_000),
  outputPerMtok: micros(output * 1_000_000),
  cacheReadPerMtok: micros(0),
  cacheWritePerMtok: micros(0),
});
const share = fc.double({ min: 0, max: 1, noNaN: true });

describe('expected quality', () => {
  it('is the MCI score on an average request', () => {
    expect(expectedQuality(62, 0.5)).toBeCloseTo(0.62, 9);
  });

  it('is between 0 and 1, and never lower for the better model', () => {
    const mci = fc.double({ min: 0, max: 100, noNaN: true });
    fc.assert(
      fc.property(mci, mci, share, (one, other, demand) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)].map((score) => expectedQuality(score, demand));
        expect(low! >= 0 && high! <= 1 && low! <= high!).toBe(true);
      }),
    );
  });

  it('sets a strong and a weak model further apart the more a request demands', () => {
    const gaps = [0, 0.25, 0.5, 0.75].map((demand) => expectedQuality(90, demand) - expectedQuality(60, demand));
    expect(gaps).toEqual([...gaps].sort((left, right) => left - right));
  });
});

describe('the price of a request', () => {
  it.each([
    [0, 1],
    [0.01, 1],
    [0.1, 0.75],
    [1, 0.5],
    [10, 0.25],
    [100, 0],
    [100_000, 0],
  ])('of %d USD for a million tokens is called %d cheap', (usd, expected) => {
    expect(cheapness(usd)).toBeCloseTo(expected, 9);
  });

  it('counts input and output as this request has them', () => {
    expect(creditsOf(rates(200, 900), { inputTokens: 1_000, outputTokens: 500 })).toBeCloseTo(0.65, 9);
  });

  it('compares credits of different tiers in USD', () => {
    const tokens = { inputTokens: 1_000_000, outputTokens: 0 };
    expect(usdOf(rates(100, 100), usdMicros(2_000), tokens)).toBeCloseTo(0.2, 9);
    expect(usdOf(rates(150, 150), usdMicros(1_000), tokens)).toBeCloseTo(0.15, 9);
  });
});

describe('latency', () => {
  it('adds the first token and the writing of the answer', () => {
    expect(expectedSeconds({ firstTokenMs: 400, tokensPerS: 50 }, 100)).toBeCloseTo(2.4, 9);
  });

  it('takes no answer for longer than answers usually are', () => {
    expect(expectedSeconds({ firstTokenMs: 0, tokensPerS: 100 }, 100_000)).toBeLessThan(10);
  });

  it('counts what is not known as nothing', () => {
    expect(expectedSeconds({ firstTokenMs: null, tokensPerS: null }, 1_000)).toBe(0);
  });

  it('calls what is unknown fast, does not see small differences, and ends at 0', () => {
    expect(swiftness(0)).toBe(1);
    expect(swiftness(4)).toBe(swiftness(4.4));
    expect(swiftness(4)).toBeGreaterThan(swiftness(9));
    expect(swiftness(100_000)).toBe(0);
  });
});

describe('tags', () => {
  it('count by the share of the wanted ones', () => {
    const has = (tag: string): boolean => tag !== 'law';
    expect(tagShare([], has)).toBe(0);
    expect(tagShare(['coding', 'law'], has)).toBe(0.5);
    expect(tagShare(['coding'], has)).toBe(1);
  });
});
