import { formatDecimal } from '../../platform/money/index.js';
import { sealSectionText, type SealSectionView } from './seal-section.js';
import { DIFFERENCE_KINDS, Differences, type Difference, type DifferenceKind } from './difference.js';

/** How much was looked at. */
export interface VerifiedCounts {
  wallets: number;
  /** Of the ledger. */
  rows: number;
  freezes: number;
  /** Freezes that have not ended: requests in flight, and outcomes that wait for their settlement. */
  openFreezes: number;
  usageRecords: number;
}

/** What a verification found. */
export interface VerifyReport extends VerifiedCounts {
  ok: boolean;
  startedAt: Date;
  durationMs: number;
  differenceCount: number;
  countByKind: Partial<Record<DifferenceKind, number>>;
  /** The first ones, in order of accounts. */
  differences: readonly Difference[];
  /** What was checked of the seals; `null` when they were left out. */
  seals: SealSectionView | null;
}

export const NOTHING_VERIFIED: Readonly<VerifiedCounts> = {
  wallets: 0,
  rows: 0,
  freezes: 0,
  openFreezes: 0,
  usageRecords: 0,
};

export function reportOf(
  counts: VerifiedCounts,
  differences: Differences,
  startedAt: Date,
  durationMs: number,
): VerifyReport {
  return {
    ...counts,
    ok: differences.total === 0,
    startedAt,
    durationMs: Math.round(durationMs),
    differenceCount: differences.total,
    countByKind: Object.fromEntries(differences.countByKind),
    differences: differences.first,
    seals: null,
  };
}

/** A report with more differences, of which `keptMax` are named in all. */
export function withMore(report: VerifyReport, more: readonly Difference[], keptMax: number): VerifyReport {
  const all = new Differences(keptMax);
  for (const [kind, count] of Object.entries(report.countByKind)) all.count(kind as DifferenceKind, count);
  for (const difference of report.differences) all.keep(difference);
  for (const difference of more) all.add(difference);
  return { ...reportOf(report, all, report.startedAt, report.durationMs), seals: report.seals };
}

/** A difference as it is shown: snake_case, amounts as decimals with six places. */
export interface DifferenceView {
  kind: DifferenceKind;
  means: string;
  account_id: string | null;
  tier: string | null;
  request_id: string | null;
  subject: string | null;
  expected: string | null;
  found: string | null;
}

export function differenceView(difference: Difference): DifferenceView {
  const { kind, accountId, tier, requestId, subject, expected, found } = difference;
  const { means } = DIFFERENCE_KINDS[kind];
  const shown = { expected: shownSide(kind, expected), found: shownSide(kind, found) };
  return { kind, means, account_id: accountId, tier, request_id: requestId, subject, ...shown };
}

const WHOLE = /^-?\d+$/;

function shownSide(kind: DifferenceKind, side: string | null): string | null {
  const isAmount = DIFFERENCE_KINDS[kind].unit !== 'plain' && side !== null && WHOLE.test(side);
  return isAmount ? formatDecimal(BigInt(side)) : side;
}

/** A report as the administration API and the command show it. */
export interface ReportView {
  ok: boolean;
  wallets: number;
  rows: number;
  freezes: number;
  open_freezes: number;
  usage_records: number;
  started_at: string;
  duration_ms: number;
  difference_count: number;
  difference_counts: Record<string, number>;
  differences: DifferenceView[];
  seals: SealSectionView | null;
}

export function reportView(report: VerifyReport): ReportView {
  return {
    ok: report.ok,
    wallets: report.wallets,
    rows: report.rows,
    freezes: report.freezes,
    open_freezes: report.openFreezes,
    usage_records: report.usageRecords,
    started_at: report.startedAt.toISOString(),
    duration_ms: report.durationMs,
    difference_count: report.differenceCount,
    difference_counts: { ...report.countByKind },
    differences: report.differences.map(differenceView),
    seals: report.seals,
  };
}

/** A report for people, one line a difference. */
export function reportText(report: VerifyReport): string {
  const { wallets, rows, freezes, openFreezes, usageRecords, durationMs, differences, differenceCount } = report;
  const looked =
    `${wallets} wallets, ${rows} ledger rows, ${freezes} freezes (${openFreezes} open), ${usageRecords} usage records ` +
    `in ${(durationMs / 1000).toFixed(1)} s`;
  const seals = report.seals === null ? 'seals: left out' : sealSectionText(report.seals);
  if (report.ok) return `${looked}\n${seals}\nno difference\n`;
  const kinds = Object.entries(report.countByKind).map(([kind, count]) => `  ${kind}: ${count}`);
  const lines = differences.map((difference) => `  ${differenceLine(difference)}`);
  const more = differenceCount - differences.length;
  const rest = more > 0 ? [`  … and ${more} more (--max shows more of them)`] : [];
  return [looked, seals, `${differenceCount} differences`, ...kinds, '', ...lines, ...rest, ''].join('\n');
}

/** `kind: what it means; account …, expected …, found …` */
export function differenceLine(difference: Difference): string {
  const view = differenceView(difference);
  const named = Object.entries({
    account: view.account_id,
    tier: view.tier,
    request: view.request_id,
    at: view.subject,
  }).filter(([, value]) => value !== null);
  const sides = `expected ${view.expected ?? 'nothing'}, found ${view.found ?? 'nothing'}`;
  return `${view.kind}: ${view.means}; ${named.map(([name, value]) => `${name} ${String(value)}`).join(', ')}; ${sides}`;
}
