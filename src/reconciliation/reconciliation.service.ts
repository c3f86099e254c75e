import { Inject, Injectable } from '@nestjs/common';
import { EventLog, type NewEvent } from '../events/index.js';
import { newId } from '../platform/ids/index.js';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import { driftNews, type DriftNews } from './domain/news.js';
import { reportView, withMore, type ReportView } from './domain/report.js';
import { FullVerifier } from './full-verifier.js';
import { RunRepository, type ReconciliationRun } from './persistence/run.repository.js';
import { StatementService } from './statement.service.js';

/** Differences that a run keeps by name. */
const KEPT_MAX = 100;
const SHOWN_MAX = 3;
const TOLD_MAX = 20;

/** The scheduled comparison of ledger, seals, usage records, freezes and statements, and what it found. */
@Injectable()
export class ReconciliationService {
  constructor(
    private readonly verifier: FullVerifier,
    private readonly statements: StatementService,
    private readonly runs: RunRepository,
    private readonly events: EventLog,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Compares everything, if no process has begun to within `intervalMs`; keeps and logs the result.
   * @returns what was found; `null` when it is not due.
   */
  async runWhenDue(intervalMs: number, signal: AbortSignal): Promise<ReportView | null> {
    const id = newId();
    if (!(await this.runs.claim(id, intervalMs))) return null;
    try {
      const report = await this.compare(signal);
      const [before] = await this.runs.list(1, null);
      const news = driftNews(before?.report ?? null, report);
      await this.runs.finish(id, report, (transaction) =>
        this.events.raise(news === null ? [] : [driftFound(id, news)], transaction),
      );
      this.log(report);
      return report;
    } catch (error) {
      await this.runs.abandon(id).catch(() => undefined);
      throw error;
    }
  }

  /** The last runs, newest first. `cursor` is the `nextCursor` of the page before. */
  async list(page: {
    limit: number;
    cursor: string | null;
  }): Promise<{ items: ReconciliationRun[]; nextCursor: string | null }> {
    const runs = await this.runs.list(page.limit + 1, page.cursor);
    const items = runs.slice(0, page.limit);
    return { items, nextCursor: runs.length > page.limit ? (items.at(-1)?.id ?? null) : null };
  }

  private async compare(signal: AbortSignal): Promise<ReportView> {
    const books = await this.verifier.verify({ keptMax: KEPT_MAX, gently: true, signal });
    return reportView(withMore(books, await this.statements.recentDifferences(), KEPT_MAX));
  }

  private log(report: ReportView): void {
    const { differences, ...figures } = report;
    if (report.ok) this.logger.info(figures, 'the books are right');
    else {
      const first = differences.slice(0, SHOWN_MAX);
      this.logger.error({ alert: 'ledger_drift', ...figures, first }, 'the books differ from their rows');
    }
  }
}

/** One event for all that one comparison has found anew. It is about an account when everything is. */
function driftFound(runId: string, { differences, countByKind }: DriftNews): NewEvent {
  const counted = Object.values(countByKind).reduce((sum, count) => sum + count, 0);
  const accounts = new Set(differences.map((one) => one.account_id));
  const [only = null] = counted === differences.length && accounts.size === 1 ? accounts : [];
  return {
    kind: 'drift_found',
    accountId: only,
    subject: { type: 'reconciliation', id: runId },
    data: { new_counts: countByKind, new_differences: differences.slice(0, TOLD_MAX) },
  };
}
