/** Each slot of a latency histogram is this much wider than the one before; the table's `latency_slot` counts alike. */
const SLOT_GROWTH = 1.1;
/** Decimal digits that a slot has in a packed histogram. */
const SLOT_DIGITS = 12;
const EMPTY_SLOT = '0'.repeat(SLOT_DIGITS);

/** How many there are in each slot, from the first. */
export type Histogram = readonly number[];

/** Latency at three ranks, in milliseconds. */
export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

/** Reads a histogram that is one number: slot n counts in units of 10^(12 n). */
export function unpackHistogram(packed: string): Histogram {
  const counts: number[] = [];
  for (let end = packed.length; end > 0; end -= SLOT_DIGITS) {
    const digits = packed.slice(Math.max(0, end - SLOT_DIGITS), end);
    counts.push(digits === EMPTY_SLOT ? 0 : Number(digits));
  }
  return counts;
}

/** Histograms of parts as that of the whole. */
export function mergeHistograms(parts: readonly Histogram[]): Histogram {
  const merged: number[] = [];
  for (const counts of parts) {
    counts.forEach((count, slot) => (merged[slot] = (merged[slot] ?? 0) + count));
  }
  return merged;
}

/**
 * Percentiles of a histogram, each within 4.9 % of the nearest-rank value of the records (within 1 ms below 2 ms).
 * @returns `null` when nothing was counted.
 */
export function percentilesOf(counts: Histogram): Percentiles | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  return { p50: at(counts, total * 0.5), p95: at(counts, total * 0.95), p99: at(counts, total * 0.99) };
}

function at(counts: Histogram, rank: number): number {
  let seen = 0;
  const slot = counts.findIndex((count) => (seen += count) >= rank);
  return middleOf(slot);
}

/** The geometric middle of a slot is as far from its lower end as from its upper one. */
function middleOf(slot: number): number {
  return Math.round(SLOT_GROWTH ** (slot + 0.5));
}
