import fc from 'fast-check';
import { DAY_MS, planSegments, QUARTER_MS, type RollupState, type Segments, type TimeRange } from './segments.js';

const at = (days: number, quarters: number): number => days * DAY_MS + quarters * QUARTER_MS;
const lengthOf = (ranges: readonly TimeRange[]): number =>
  ranges.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);

describe('planSegments', () => {
  const state: RollupState = { quartersUntilMs: at(3, 40), daysUntilMs: at(3, 0), staleMs: [] };

  it('takes whole days, the quarters beside them, and records for the rest', () => {
    const plan = planSegments({ fromMs: at(0, 90) + 1, toMs: at(5, 0) }, state, true);
    expect(plan).toEqual<Segments>({
      days: [{ fromMs: at(1, 0), toMs: at(3, 0) }],
      quarters: [
        { fromMs: at(0, 91), toMs: at(1, 0) },
        { fromMs: at(3, 0), toMs: at(3, 40) },
      ],
      records: [
        { fromMs: at(0, 90) + 1, toMs: at(0, 91) },
        { fromMs: at(3, 40), toMs: at(5, 0) },
      ],
    });
  });

  it('sums a changed quarter from records, and its day from the other quarters', () => {
    const plan = planSegments({ fromMs: 0, toMs: at(3, 0) }, { ...state, staleMs: [at(1, 5)] }, true);
    expect(plan.days).toEqual([
      { fromMs: 0, toMs: at(1, 0) },
      { fromMs: at(2, 0), toMs: at(3, 0) },
    ]);
    expect(plan.records).toEqual([{ fromMs: at(1, 5), toMs: at(1, 6) }]);
    expect(lengthOf(plan.quarters)).toBe(DAY_MS - QUARTER_MS);
  });

  it('takes no days where they may not be used', () => {
    expect(planSegments({ fromMs: 0, toMs: at(3, 0) }, state, false)).toEqual({
      days: [],
      quarters: [{ fromMs: 0, toMs: at(3, 0) }],
      records: [],
    });
  });

  it('covers every moment of the range exactly once, with whole steps of what is rolled up', () => {
    const quarter = fc.integer({ min: 0, max: 700 }).map((count) => count * QUARTER_MS);
    const input = fc.record({
      fromMs: fc.integer({ min: 0, max: 7 * DAY_MS }),
      lengthMs: fc.integer({ min: 0, max: 7 * DAY_MS }),
      quartersUntilMs: quarter,
      staleMs: fc.uniqueArray(quarter, { maxLength: 8 }),
      useDays: fc.boolean(),
    });
    fc.assert(
      fc.property(input, ({ fromMs, lengthMs, quartersUntilMs, staleMs, useDays }) => {
        const daysUntilMs = Math.floor(quartersUntilMs / DAY_MS) * DAY_MS;
        const range = { fromMs, toMs: fromMs + lengthMs };
        const { days, quarters, records } = planSegments(range, { quartersUntilMs, daysUntilMs, staleMs }, useDays);
        const all = [...days, ...quarters, ...records].sort((left, right) => left.fromMs - right.fromMs);
        expect(lengthOf(all)).toBe(lengthMs);
        all.forEach((part, index) => expect(part.fromMs).toBe(all[index - 1]?.toMs ?? fromMs));
        for (const { fromMs: begin, toMs: end } of [...days, ...quarters]) {
          expect([begin % QUARTER_MS, end % QUARTER_MS, end <= quartersUntilMs]).toEqual([0, 0, true]);
          expect(staleMs.some((stale) => stale >= begin && stale < end)).toBe(false);
        }
        for (const { fromMs: begin, toMs: end } of days) expect([begin % DAY_MS, end % DAY_MS]).toEqual([0, 0]);
      }),
    );
  });
});
