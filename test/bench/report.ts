import type { BenchCase, Target } from './cases.js';
import type { LoadResult } from './load-job.js';

/** One run of one case at one target. */
export interface Run {
  bench: BenchCase;
  target: Target;
  round: number;
  result: LoadResult;
  perSecond: number;
  /** CPU of the target's own processes (for the gateway: with Postgres) for each answer. */
  cpuMicrosPerAnswer: number;
  /** Cores that programs outside of the load run kept busy meanwhile. Above a tenth or so the figures are not true. */
  foreignCores: number;
}

export interface Figure {
  id: string;
  what: string;
  value: number;
  unit: string;
  floor: number;
  target: number;
  /** Whether more is better. */
  moreIsBetter: boolean;
}

/** The middle value; the mean of the two middle ones of an even count; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
}

/** Whether a figure reaches a bound. */
export function reaches(figure: Figure, bound: number): boolean {
  return figure.moreIsBetter ? figure.value >= bound : figure.value <= bound;
}

/** All runs, and the ratios that are only taken inside one round: the same case varies by half between minutes. */
export class Runs {
  readonly all: Run[] = [];

  add(run: Run): void {
    this.all.push(run);
  }

  of(name: string, target: Target): Run[] {
    return this.all.filter((run) => run.bench.name === name && run.target === target);
  }

  /** Median over the rounds of a comparison of the gateway with another target in the same round. */
  compared(name: string, against: Target, compare: (gateway: Run, other: Run) => number): number {
    const others = this.of(name, against);
    const values = this.of(name, 'gateway').flatMap((gateway) => {
      const other = others.find((run) => run.round === gateway.round);
      return other === undefined ? [] : [compare(gateway, other)];
    });
    return median(values);
  }

  sum(target: Target, pick: (result: LoadResult) => number): number {
    return this.all.filter((run) => run.target === target).reduce((total, run) => total + pick(run.result), 0);
  }

  /** T1 to T4, T7 and T10 of the speed figures. */
  figures(): Figure[] {
    const numberOf = ({ id }: Figure): number => Number(id.slice(1));
    const figures = [...this.throughput(), ...this.latency(), ...this.costs()];
    return figures.sort((left, right) => numberOf(left) - numberOf(right));
  }

  /** T1 and T4. */
  private throughput(): Figure[] {
    const ratio = (gateway: Run, other: Run): number => gateway.perSecond / other.perSecond;
    const plain = this.compared('plain 64', 'bare', ratio);
    const burst = this.compared('burst 64', 'bare', ratio);
    const shared = { unit: '', moreIsBetter: true };
    return [
      {
        ...shared,
        id: 'T1',
        what: 'requests/s against the bare proxy, 64 connections',
        value: plain,
        floor: 0.3,
        target: 0.45,
      },
      {
        ...shared,
        id: 'T4',
        what: 'SSE burst, streams/s against the bare proxy, 64 connections',
        value: burst,
        floor: 0.4,
        target: 0.6,
      },
    ];
  }

  /** T2 and T3. */
  private latency(): Figure[] {
    const added = (pick: (result: LoadResult) => number) => (gateway: Run, other: Run) =>
      pick(gateway.result) - pick(other.result);
    const answer = this.compared(
      'plain 1',
      'direct',
      added((result) => result.p50Ms),
    );
    const firstByte = this.compared(
      'slow 4',
      'direct',
      added((result) => result.firstByteP50Ms),
    );
    const shared = { unit: 'ms', moreIsBetter: false };
    return [
      { ...shared, id: 'T2', what: 'p50 added over direct, 1 connection', value: answer, floor: 2, target: 1 },
      {
        ...shared,
        id: 'T3',
        what: 'first SSE byte added over direct, 4 streams',
        value: firstByte,
        floor: 6,
        target: 3,
      },
    ];
  }

  /** T7 and T10. */
  private costs(): Figure[] {
    const cpu = median(this.of('plain 64', 'gateway').map((run) => run.cpuMicrosPerAnswer));
    const cut = this.sum('gateway', (result) => result.streamsWithoutDone + result.streamsWithoutUsage);
    const what = 'CPU a request, gateway + worker + Postgres';
    return [
      { id: 'T7', what, value: cpu, unit: 'µs', floor: 900, target: 500, moreIsBetter: false },
      {
        id: 'T10',
        what: 'streams without [DONE] or usage',
        value: cut,
        unit: '',
        floor: 0,
        target: 0,
        moreIsBetter: false,
      },
    ];
  }
}

/** A table of medians, one line a case and target. */
export function caseTable(runs: Runs, cases: readonly BenchCase[], targets: readonly Target[]): string {
  const head = ['case', 'target', 'req/s', 'p50 ms', 'p99 ms', 'first byte ms', 'CPU µs/req', 'failures'];
  const rows = cases.flatMap((bench) =>
    targets.map((target) => {
      const found = runs.of(bench.name, target);
      const mid = (pick: (run: Run) => number, digits: number): string => median(found.map(pick)).toFixed(digits);
      return [
        bench.name,
        target,
        mid((run) => run.perSecond, 0),
        mid((run) => run.result.p50Ms, 2),
        mid((run) => run.result.p99Ms, 2),
        mid((run) => run.result.firstByteP50Ms, 2),
        target === 'direct' ? '-' : mid((run) => run.cpuMicrosPerAnswer, 0),
        found.reduce((sum, run) => sum + run.result.failures, 0).toString(),
      ];
    }),
  );
  return table([head, ...rows]);
}

/** The figures beside their bounds. */
export function figureTable(figures: readonly Figure[]): string {
  const head = ['', 'figure', 'value', 'floor', 'target', 'verdict'];
  const rows = figures.map((figure) => {
    const verdict = reaches(figure, figure.target) ? 'target' : reaches(figure, figure.floor) ? 'floor' : 'MISSED';
    const digits = Math.abs(figure.value) < 10 && !Number.isInteger(figure.value) ? 2 : 0;
    const value = `${figure.value.toFixed(digits)} ${figure.unit}`.trim();
    return [figure.id, figure.what, value, figure.floor.toString(), figure.target.toString(), verdict];
  });
  return table([head, ...rows]);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
