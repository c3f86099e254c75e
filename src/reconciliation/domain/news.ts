import type { DifferenceView, ReportView } from './report.js';

/** What a comparison found that the one before it had not. */
export interface DriftNews {
  /** Of those that a report names; there may be more. */
  differences: readonly DifferenceView[];
  /** New differences by kind, counted. */
  countByKind: Readonly<Record<string, number>>;
}

/**
 * Compares two reports. A difference is the same one for as long as it is of one kind and at one place, whatever its two sides
 * say by now: they move with every request. Reports name only the first differences. Where the one before had more than it named,
 * only growing counts are news: what was not named then may have been there.
 * @param before `null` when there is none.
 * @returns `null` when nothing is new.
 */
export function driftNews(before: ReportView | null, now: ReportView): DriftNews | null {
  const known = new Set((before?.differences ?? []).map(placeOf));
  const wasCut = before !== null && before.difference_count > before.differences.length;
  const grown = (kind: string): number => (now.difference_counts[kind] ?? 0) - (before?.difference_counts[kind] ?? 0);
  const unknown = now.differences.filter((one) => !known.has(placeOf(one)));
  const differences = wasCut ? unknown.filter(({ kind }) => grown(kind) > 0) : unknown;
  const kinds = new Set([...differences.map(({ kind }) => kind), ...Object.keys(now.difference_counts)]);
  const counts = [...kinds].map((kind): [string, number] => {
    const named = differences.filter((one) => one.kind === kind).length;
    return [kind, Math.max(named, grown(kind))];
  });
  const countByKind = Object.fromEntries(counts.filter(([, count]) => count > 0));
  return Object.keys(countByKind).length === 0 ? null : { differences, countByKind };
}

function placeOf({ kind, account_id, tier, request_id, subject }: DifferenceView): string {
  return JSON.stringify([kind, account_id, tier, request_id, subject]);
}
