import type { RankTable } from './rank-table.js';

const NO_RANK = 0x7fffffff;

/** Longest word that can be merged; the cost is quadratic in it. */
export const WORD_BYTES_MAX = 256;

/** Scratch space of the one merge that runs at a time. */
const starts = new Int32Array(WORD_BYTES_MAX + 1);
const ranks = new Int32Array(WORD_BYTES_MAX);

/**
 * How many tokens the bytes `source[from..to)` of one word become: the pair of neighbours with the lowest rank is
 * merged, the leftmost first, until no pair is a token. At most `WORD_BYTES_MAX` bytes.
 */
export function countMerged(table: RankTable, source: Uint8Array, from: number, to: number): number {
  if (to - from <= 1 || table.rankOf(source, from, to) !== -1) return Math.min(to - from, 1);
  // starts[i] is where part i begins; ranks[i] is the rank of part i joined with part i + 1.
  let parts = to - from;
  for (let part = 0; part <= parts; part += 1) starts[part] = from + part;
  for (let part = 0; part < parts; part += 1) ranks[part] = pairRank(table, source, part, parts);
  for (;;) {
    const best = indexOfLowest(parts);
    if (ranks[best] === NO_RANK) return parts;
    starts.copyWithin(best + 1, best + 2, parts + 1);
    ranks.copyWithin(best + 1, best + 2, parts);
    parts -= 1;
    ranks[best] = pairRank(table, source, best, parts);
    if (best > 0) ranks[best - 1] = pairRank(table, source, best - 1, parts);
  }
}

function pairRank(table: RankTable, source: Uint8Array, part: number, parts: number): number {
  if (part + 1 >= parts) return NO_RANK;
  const rank = table.rankOf(source, starts[part] as number, starts[part + 2] as number);
  return rank === -1 ? NO_RANK : rank;
}

function indexOfLowest(parts: number): number {
  let best = 0;
  let lowest = ranks[0] as number;
  for (let part = 1; part < parts; part += 1) {
    const rank = ranks[part] as number;
    if (rank >= lowest) continue;
    best = part;
    lowest = rank;
  }
  return best;
}
