import fc from 'fast-check';
import { mergeHistograms, percentilesOf, unpackHistogram, type Histogram } from './latency.js';

/** As the table's function counts. */
const slotOf = (ms: number): number => Math.min(160, Math.floor(Math.log(Math.max(ms, 1)) / Math.log(1.1)));

function histogramOf(values: readonly number[]): Histogram {
  const counts = Array.from({ length: 161 }, () => 0);
  for (const ms of values) counts[slotOf(ms)] = (counts[slotOf(ms)] ?? 0) + 1;
  return counts;
}

describe('percentilesOf', () => {
  it('is null of nothing', () => {
    expect(percentilesOf([])).toBeNull();
    expect(percentilesOf(histogramOf([]))).toBeNull();
  });

  it('is within 4.9 % of the nearest rank of the values, and a millisecond of rounding, in however many parts they are', () => {
    const values = fc.array(fc.integer({ min: 1, max: 3_000_000 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(values, fc.nat({ max: 300 }), (all, cut) => {
        const sorted = [...all].sort((left, right) => left - right);
        const found = percentilesOf(mergeHistograms([histogramOf(all.slice(0, cut)), histogramOf(all.slice(cut))]));
        for (const [share, got] of [
          [0.5, found?.p50],
          [0.95, found?.p95],
          [0.99, found?.p99],
        ] as const) {
          const exact = sorted[Math.ceil(all.length * share) - 1] ?? 0;
          expect(Math.abs((got ?? 0) - exact)).toBeLessThanOrEqual(exact * 0.049 + 1);
        }
      }),
    );
  });
});

describe('unpackHistogram', () => {
  it('reads what adding powers of 10^12 makes, whatever the slots and counts', () => {
    const counted = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 999_999_999_999 })), {
      maxLength: 161,
    });
    fc.assert(
      fc.property(counted, (counts) => {
        const packed = counts.reduce((sum, count, slot) => sum + BigInt(count) * 10n ** BigInt(12 * slot), 0n);
        const found = unpackHistogram(packed.toString());
        expect(counts.map((_count, slot) => found[slot] ?? 0)).toEqual(counts);
        expect(found.slice(counts.length).every((count) => count === 0)).toBe(true);
      }),
    );
  });
});
