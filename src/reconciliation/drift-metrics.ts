import { Inject, Injectable } from '@nestjs/common';
import { Gauge, METRICS, type Registry } from '../platform/metrics/index.js';
import { DIFFERENCE_KINDS } from './domain/difference.js';
import type { ReportView } from './domain/report.js';
import { RunRepository, type ReconciliationRun } from './persistence/run.repository.js';

/**
 * What the last scheduled comparison found, as metrics of every process that has a door: the workers, who compare, have
 * none. Read from the database when they are asked for; while it is away they keep their last values.
 */
@Injectable()
export class DriftMetrics {
  constructor(
    private readonly runs: RunRepository,
    @Inject(METRICS) metrics: Registry,
  ) {
    const differences = new Gauge({
      name: 'ledger_differences',
      help: 'Differences that the last scheduled comparison of the books found, by kind.',
      labelNames: ['kind'],
      registers: [metrics],
      collect: () =>
        this.read((report) => {
          for (const kind of Object.keys(DIFFERENCE_KINDS)) {
            differences.set({ kind }, report.difference_counts[kind] ?? 0);
          }
        }),
    });
    this.gauge(metrics, 'ledger_reconciled_rows', 'Ledger rows that the last comparison read.', ({ report }) => {
      return report.rows;
    });
    this.gauge(metrics, 'ledger_reconciled_timestamp_seconds', 'When the last comparison ended.', ({ finishedAt }) => {
      return finishedAt.getTime() / 1000;
    });
  }

  private gauge(metrics: Registry, name: string, help: string, valueOf: (run: ReconciliationRun) => number): void {
    const gauge = new Gauge({
      name,
      help,
      registers: [metrics],
      collect: () => this.read((_report, run) => gauge.set(valueOf(run))),
    });
  }

  private async read(use: (report: ReportView, run: ReconciliationRun) => void): Promise<void> {
    const [last] = await this.runs.list(1, null).catch(() => []);
    if (last !== undefined) use(last.report, last);
  }
}
