import fc from 'fast-check';
import { percentilesOf } from './latency.js';

/** As the table's function counts. */
const slotOf = (ms: number): number => Math.min(160, Math.floor(Math.log(Math.max(ms, 1)) / Math.log(1.1)));

describe('percentilesOf', () => {
  it('is null of nothing', () => {
    expect(percentilesOf([])).toBeNull();
  });

  it('adds slots up that come more than once', () => {
    const parts = [...Array.from({ length: 90 }, () => 100), ...Array.from({ length: 10 }, () => 5_000)];
    const p = percentilesOf(parts.map((ms) => ({ slot: slotOf(ms), count: 1 })));
    expect(p?.p50).toBeGreaterThan(95);
    expect(p?.p50).toBeLessThan(105);
    expect(p?.p95).toBeGreaterThan(4_750);
    expect(p?.p99).toBeLessThan(5_250);
  });

  it('is within 4.9 % of the nearest rank of the values, and a millisecond of rounding', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3_000_000 }), { minLength: 1, maxLength: 300 }), (values) => {
        const sorted = [...values].sort((left, right) => left - right);
        const found = percentilesOf(values.map((ms) => ({ slot: slotOf(ms), count: 1 })));
        for (const [share, got] of [
          [0.5, found?.p50],
          [0.95, found?.p95],
          [0.99, found?.p99],
        ] as const) {
          const exact = sorted[Math.ceil(values.length * share) - 1] ?? 0;
          expect(Math.abs((got ?? 0) - exact)).toBeLessThanOrEqual(exact * 0.049 + 1);
        }
      }),
    );
  });
});
