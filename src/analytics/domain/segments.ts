export const QUARTER_MS = 900_000;
export const DAY_MS = 86_400_000;

/** A time range in milliseconds: `from` is in it, `to` is not. */
export interface TimeRange {
  fromMs: number;
  toMs: number;
}

/** Lengths of time that sums are kept of; all begin in UTC. A shift is six hours; a week begins on Thursday, as time did in 1970. */
export const GRAINS = ['quarter', 'hour', 'shift', 'day', 'week', 'month'] as const;
export type Grain = (typeof GRAINS)[number];

const STEP_MS: Readonly<Record<Exclude<Grain, 'month'>, number>> = {
  quarter: QUARTER_MS,
  hour: 4 * QUARTER_MS,
  shift: 24 * QUARTER_MS,
  day: DAY_MS,
  week: 7 * DAY_MS,
};

/** How far the rollups go, and which of their quarters do not hold any more. */
export interface RollupState {
  /** Everything that ends by then is rolled up, in every grain. */
  untilMs: number;
  /** Begins of quarters whose records have changed since, in order. */
  staleMs: readonly number[];
}

/** A part of a range, and what its sums are grouped under; `null` when time is no grouping. */
export interface Piece extends TimeRange {
  label: string | null;
}

export interface RollupPiece extends Piece {
  grain: Grain;
}

/** Where the sums of a range are read from; no two parts overlap and together they are the range. */
export interface Segments {
  rollups: readonly RollupPiece[];
  records: readonly Piece[];
}

/** The latest begin of a step that is not after a time. */
export function floorTo(grain: Grain, timeMs: number): number {
  if (grain === 'month') {
    const time = new Date(timeMs);
    return Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), 1);
  }
  return Math.floor(timeMs / STEP_MS[grain]) * STEP_MS[grain];
}

/** The earliest begin of a step that is not before a time. */
export function ceilTo(grain: Grain, timeMs: number): number {
  const floorMs = floorTo(grain, timeMs);
  return floorMs === timeMs ? timeMs : nextOf(grain, floorMs);
}

/** The end of the step that begins at a time. */
export function nextOf(grain: Grain, beginMs: number): number {
  if (grain !== 'month') return beginMs + STEP_MS[grain];
  const time = new Date(beginMs);
  return Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + 1, 1);
}

/**
 * Cuts pieces, which follow each other, into whole steps of some grains and what has to be summed from records.
 * @param grains the longest first.
 */
export function planSegments(pieces: readonly Piece[], state: RollupState, grains: readonly Grain[]): Segments {
  const rollups: RollupPiece[] = [];
  const records: Piece[] = [];
  let stale = 0;
  for (const { fromMs, toMs, label } of pieces) {
    let atMs = fromMs;
    const endMs = Math.max(fromMs, Math.min(toMs, state.untilMs));
    const take = (untilMs: number): void => split({ fromMs: atMs, toMs: untilMs, label }, grains, rollups, records);
    for (; stale < state.staleMs.length; stale += 1) {
      const staleMs = state.staleMs[stale] ?? 0;
      if (staleMs >= endMs) break;
      if (staleMs + QUARTER_MS <= atMs) continue;
      const [holeMs, afterMs] = [Math.max(atMs, staleMs), Math.min(endMs, staleMs + QUARTER_MS)];
      take(holeMs);
      add(records, { fromMs: holeMs, toMs: afterMs, label });
      atMs = afterMs;
      // It goes on in the next piece.
      if (staleMs + QUARTER_MS > endMs) break;
    }
    take(endMs);
    add(records, { fromMs: Math.max(atMs, endMs), toMs, label });
  }
  return { rollups, records };
}

/** Whole steps of the longest grain, and of shorter ones on both sides. */
function split(piece: Piece, grains: readonly Grain[], rollups: RollupPiece[], records: Piece[]): void {
  const { fromMs, toMs, label } = piece;
  const [grain, ...shorter] = grains;
  if (fromMs >= toMs) return;
  if (grain === undefined) return add(records, piece);
  const [beginMs, endMs] = [ceilTo(grain, fromMs), floorTo(grain, toMs)];
  if (beginMs >= endMs) return split(piece, shorter, rollups, records);
  split({ fromMs, toMs: beginMs, label }, shorter, rollups, records);
  rollups.push({ grain, fromMs: beginMs, toMs: endMs, label });
  split({ fromMs: endMs, toMs, label }, shorter, rollups, records);
}

/** Ranges that meet become one. */
function add(list: Piece[], piece: Piece): void {
  if (piece.fromMs >= piece.toMs) return;
  const last = list.at(-1);
  if (last?.toMs === piece.fromMs && last.label === piece.label) last.toMs = piece.toMs;
  else list.push({ ...piece });
}
