/** Each slot of a latency histogram is this much wider than the one before; the table's `latency_slot` counts alike. */
const SLOT_GROWTH = 1.1;
/** Decimal digits that a slot has in a packed histogram. */
const SLOT_DIGITS = 12;
const ZERO_CODE = '0'.charCodeAt(0);

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
  const counts = new Array<number>(Math.ceil(packed.length / SLOT_DIGITS)).fill(0);
  // Digit by digit: a summary has thousands of these with a hundred slots each, and cutting text costs more than reading it.
  let end = packed.length - (counts.length - 1) * SLOT_DIGITS;
  let at = 0;
  for (let slot = counts.length - 1; slot >= 0; slot -= 1, end += SLOT_DIGITS) {
    let count = 0;
    for (; at < end; at += 1) count = count * 10 + packed.charCodeAt(at) - ZERO_CODE;
    counts[slot] = count;
  }
  return counts;
}

/** Histograms of parts as that of the whole. */
export function mergeHistograms(parts: readonly Histogram[]): Histogram {
  const merged: number[] = [];
  for (const counts of parts) {
    for (let slot = 0; slot < counts.length; slot += 1) merged[slot] = (merged[slot] ?? 0) + (counts[slot] ?? 0);
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
  let slot = 0;
  for (let seen = counts[0] ?? 0; seen < rank; seen += counts[slot] ?? 0) slot += 1;
  return middleOf(slot);
}

/** The geometric middle of a slot is as far from its lower end as from its upper one. */
function middleOf(slot: number): number {
  return Math.round(SLOT_GROWTH ** (slot + 0.5));
}
