import fc from 'fast-check';
import {
  ceilTo,
  DAY_MS,
  floorTo,
  GRAINS,
  planSegments,
  QUARTER_MS,
  type Grain,
  type Piece,
  type RollupState,
  type Segments,
} from './segments.js';

const at = (days: number, quarters: number): number => days * DAY_MS + quarters * QUARTER_MS;
const LONGEST_FIRST: readonly Grain[] = [...GRAINS].reverse();
const piece = (fromMs: number, toMs: number, label: string | null = null): Piece => ({ fromMs, toMs, label });

describe('planSegments', () => {
  const state: RollupState = { untilMs: at(40, 41), staleMs: [] };

  it('takes the longest steps that fit, shorter ones beside them, and records for the rest', () => {
    const plan = planSegments([piece(at(30, 90) + 1, at(42, 0))], state, ['month', 'day', 'shift', 'hour', 'quarter']);
    const label = null;
    expect(plan).toEqual<Segments>({
      rollups: [
        { grain: 'quarter', fromMs: at(30, 91), toMs: at(30, 92), label },
        { grain: 'hour', fromMs: at(30, 92), toMs: at(31, 0), label },
        { grain: 'day', fromMs: at(31, 0), toMs: at(40, 0), label },
        { grain: 'shift', fromMs: at(40, 0), toMs: at(40, 24), label },
        { grain: 'hour', fromMs: at(40, 24), toMs: at(40, 40), label },
        { grain: 'quarter', fromMs: at(40, 40), toMs: at(40, 41), label },
      ],
      records: [piece(at(30, 90) + 1, at(30, 91)), piece(at(40, 41), at(42, 0))],
    });
  });

  it('takes weeks, which begin on Thursday, out of months that are not whole', () => {
    const plan = planSegments([piece(at(35, 0), at(57, 0))], { untilMs: at(100, 0), staleMs: [] }, LONGEST_FIRST);
    expect(new Date(floorTo('week', at(41, 95))).toUTCString()).toContain('Thu, 05 Feb 1970');
    expect(plan.rollups.map(({ grain, fromMs, toMs }) => [grain, fromMs, toMs])).toEqual([
      ['week', at(35, 0), at(56, 0)],
      ['day', at(56, 0), at(57, 0)],
    ]);
  });

  it('takes a month as one, of whatever length', () => {
    expect(planSegments([piece(0, at(59, 0))], { untilMs: at(100, 0), staleMs: [] }, LONGEST_FIRST).rollups).toEqual([
      { grain: 'month', fromMs: 0, toMs: at(59, 0), label: null },
    ]);
  });

  it('sums a changed quarter from records, and what it is part of from the rest', () => {
    const plan = planSegments([piece(0, at(3, 0))], { ...state, staleMs: [at(1, 5)] }, ['day', 'quarter']);
    expect(plan.records).toEqual([piece(at(1, 5), at(1, 6))]);
    expect(plan.rollups.map(({ grain, fromMs, toMs }) => [grain, fromMs, toMs])).toEqual([
      ['day', 0, at(1, 0)],
      ['quarter', at(1, 0), at(1, 5)],
      ['quarter', at(1, 6), at(2, 0)],
      ['day', at(2, 0), at(3, 0)],
    ]);
  });

  it('covers every moment of each piece exactly once, under its label, with whole steps of what is rolled up', () => {
    const quarter = fc.integer({ min: 0, max: 9_000 }).map((count) => count * QUARTER_MS);
    const input = fc.record({
      cuts: fc.uniqueArray(fc.integer({ min: 0, max: 90 * DAY_MS }), { minLength: 2, maxLength: 6 }),
      untilMs: quarter,
      staleMs: fc.uniqueArray(fc.oneof(quarter, fc.constantFrom(0, at(30, 95), at(31, 0))), { maxLength: 8 }),
      grains: fc.subarray([...LONGEST_FIRST]),
    });
    fc.assert(
      fc.property(input, ({ cuts, untilMs, staleMs, grains }) => {
        const sorted = [...cuts].sort((left, right) => left - right);
        const pieces = sorted.slice(1).map((toMs, index) => piece(sorted[index] ?? 0, toMs, `day ${index.toString()}`));
        const stale = [...staleMs].sort((left, right) => left - right);
        const { rollups, records } = planSegments(pieces, { untilMs, staleMs: stale }, grains);
        for (const { fromMs, toMs, label } of pieces) {
          const own = [...rollups, ...records].filter((part) => part.label === label);
          own.sort((left, right) => left.fromMs - right.fromMs);
          own.forEach((part, index) => expect(part.fromMs).toBe(own[index - 1]?.toMs ?? fromMs));
          expect(own.at(-1)?.toMs).toBe(toMs);
        }
        for (const { grain, fromMs, toMs } of rollups) {
          expect([floorTo(grain, fromMs), ceilTo(grain, toMs), toMs <= untilMs]).toEqual([fromMs, toMs, true]);
          expect(stale.some((one) => one >= fromMs && one < toMs)).toBe(false);
          expect(grains).toContain(grain);
        }
      }),
    );
  });
});
