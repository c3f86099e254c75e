/** Each slot of a latency histogram is this much wider than the one before; the table's `latency_slot` counts alike. */
const SLOT_GROWTH = 1.1;

/** Counts by slot, in any order; a slot may come more than once. */
export type Histogram = readonly { slot: number; count: number }[];

/** Latency at three ranks, in milliseconds. */
export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

/**
 * Percentiles of a histogram, each within 4.9 % of the nearest-rank value of the records (within 1 ms below 2 ms).
 * @returns `null` when nothing was counted.
 */
export function percentilesOf(histogram: Histogram): Percentiles | null {
  const counts = new Map<number, number>();
  for (const { slot, count } of histogram) counts.set(slot, (counts.get(slot) ?? 0) + count);
  const slots = [...counts].sort(([left], [right]) => left - right);
  const total = slots.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return null;
  return { p50: at(slots, total * 0.5), p95: at(slots, total * 0.95), p99: at(slots, total * 0.99) };
}

function at(slots: readonly (readonly [number, number])[], rank: number): number {
  let seen = 0;
  for (const [slot, count] of slots) {
    seen += count;
    if (seen >= rank) return middleOf(slot);
  }
  return middleOf(slots.at(-1)?.[0] ?? 0);
}

/** The geometric middle of a slot is as far from its lower end as from its upper one. */
function middleOf(slot: number): number {
  return Math.round(SLOT_GROWTH ** (slot + 0.5));
}
