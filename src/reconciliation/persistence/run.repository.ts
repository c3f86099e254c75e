import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import { inTransaction } from '../../platform/database/index.js';
import type { ReportView } from '../domain/report.js';

/** One run at a time begins; the number is arbitrary and belongs to this program. */
const CLAIM_LOCK = 7_052_026_041;
/** A run that has not ended after this time died with its process. */
const GIVEN_UP_AFTER = '6 hours';
const KEPT = 200;

const CLAIM = `
  insert into reconciliation_run (id) select $1 where not exists (
    select from reconciliation_run where started_at > now() - case when finished_at is null
      then least($2 * interval '1 millisecond', interval '${GIVEN_UP_AFTER}') else $2 * interval '1 millisecond' end)
  returning id`;
const FINISH = `update reconciliation_run set finished_at = now(), report = $2 where id = $1`;
const ABANDON = `delete from reconciliation_run where id = $1 and finished_at is null`;
const FORGET = `delete from reconciliation_run where started_at < (
  select started_at from reconciliation_run order by started_at desc offset ${KEPT.toString()} limit 1)`;
const LIST = `select id, started_at, finished_at, report from reconciliation_run
  where report is not null and ($2::uuid is null or id < $2) order by id desc limit $1`;

/** A finished comparison, as it is kept. */
export interface ReconciliationRun {
  id: string;
  startedAt: Date;
  finishedAt: Date;
  report: ReportView;
}

interface RunRow {
  id: string;
  started_at: Date;
  finished_at: Date;
  report: ReportView;
}

/** The memory of scheduled comparisons, and whose turn it is. */
@Injectable()
export class RunRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** Begins a run if the last one began longer than `intervalMs` ago. @returns whether it is this caller's. */
  async claim(id: string, intervalMs: number): Promise<boolean> {
    return inTransaction(this.dataSource, async (transaction) => {
      await transaction.query('select pg_advisory_xact_lock($1)', [CLAIM_LOCK]);
      return (await transaction.query<object[]>(CLAIM, [id, intervalMs])).length > 0;
    });
  }

  /** @param also belongs to the end of the run: both are kept, or neither. */
  async finish(id: string, report: ReportView, also: (transaction: EntityManager) => Promise<void>): Promise<void> {
    await inTransaction(this.dataSource, async (transaction) => {
      await transaction.query(FINISH, [id, JSON.stringify(report)]);
      await transaction.query(FORGET);
      await also(transaction);
    });
  }

  /** Leaves a run that was broken off to another process, or to the next start. */
  async abandon(id: string): Promise<void> {
    await this.dataSource.query(ABANDON, [id]);
  }

  /** Newest first, below `beforeId` when it is given. */
  async list(limit: number, beforeId: string | null): Promise<ReconciliationRun[]> {
    const rows = await this.dataSource.query<RunRow[]>(LIST, [limit, beforeId]);
    return rows.map((row) => ({
      id: row.id,
      startedAt: row.started_at,
      finishedAt: row.finished_at,
      report: row.report,
    }));
  }
}
