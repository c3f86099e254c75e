export const QUARTER_MS = 900_000;
export const DAY_MS = 86_400_000;

/** A time range in milliseconds: `from` is in it, `to` is not. */
export interface TimeRange {
  fromMs: number;
  toMs: number;
}

/** How far the rollups go, and which of their quarters do not hold any more. */
export interface RollupState {
  /** Every quarter that ends by then is rolled up. */
  quartersUntilMs: number;
  /** Every day that ends by then is. */
  daysUntilMs: number;
  /** Begins of quarters whose records have changed since. */
  staleMs: readonly number[];
}

/** Where the sums of a range are read from; no two of them overlap and together they are the range. */
export interface Segments {
  days: readonly TimeRange[];
  quarters: readonly TimeRange[];
  records: readonly TimeRange[];
}

/** Cuts a range into whole days, whole quarters and what has to be summed from records. */
export function planSegments(range: TimeRange, state: RollupState, useDays: boolean): Segments {
  const rolled = alignedInside(range, QUARTER_MS, state.quartersUntilMs);
  const staleQuarters = state.staleMs.map((fromMs) => ({ fromMs, toMs: fromMs + QUARTER_MS }));
  const fresh = without([rolled], staleQuarters);
  const records = without([range], fresh);
  if (!useDays) return { days: [], quarters: fresh, records };
  const staleDays = state.staleMs.map(dayOf);
  const days = without([alignedInside(rolled, DAY_MS, state.daysUntilMs)], staleDays);
  return { days, quarters: without(fresh, days), records };
}

/** The largest range of whole steps inside `range` that ends by `untilMs`; empty ranges have `toMs` ≤ `fromMs`. */
function alignedInside(range: TimeRange, stepMs: number, untilMs: number): TimeRange {
  const end = Math.min(range.toMs, untilMs);
  return { fromMs: Math.ceil(range.fromMs / stepMs) * stepMs, toMs: Math.floor(end / stepMs) * stepMs };
}

function dayOf(timeMs: number): TimeRange {
  const fromMs = Math.floor(timeMs / DAY_MS) * DAY_MS;
  return { fromMs, toMs: fromMs + DAY_MS };
}

/** What is left of some ranges when others are taken out. */
function without(ranges: readonly TimeRange[], holes: readonly TimeRange[]): TimeRange[] {
  let left = ranges.filter(isFilled);
  for (const hole of holes.filter(isFilled)) {
    left = left.flatMap((range) =>
      [
        { fromMs: range.fromMs, toMs: Math.min(range.toMs, hole.fromMs) },
        { fromMs: Math.max(range.fromMs, hole.toMs), toMs: range.toMs },
      ].filter(isFilled),
    );
  }
  return left;
}

function isFilled({ fromMs, toMs }: TimeRange): boolean {
  return fromMs < toMs;
}
