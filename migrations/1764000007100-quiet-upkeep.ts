import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Upkeep of tables that only grow. By default Postgres analyzes a table anew for each tenth that it has grown, and reads
 * documents of a kilobyte to count their distinct values, which nobody asks; on a young database that is every twenty
 * seconds. The analysis itself is needed early: cached plans are made anew by it. A trace of usual length stays in its row, instead of being compressed as soon as it is longer than two kilobytes.
 */
const GROWING = ['ledger_entry', 'usage_record', 'request_trace', 'wallet_freeze'];
const DOCUMENTS = ['usage_record.outcome', 'request_trace.stages', 'wallet_freeze.facts', 'wallet_freeze.outcome'];
const STATISTICS_BY_DEFAULT = -1;
const ROW_ON_PAGE_MAX_BYTES = 8160;

export class QuietUpkeep1764000007100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const table of GROWING) {
      await runner.query(`alter table ${table} set (autovacuum_vacuum_insert_threshold = 100000)`);
    }
    await setStatistics(runner, 0);
    await runner.query(`alter table request_trace set (toast_tuple_target = ${ROW_ON_PAGE_MAX_BYTES})`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table request_trace reset (toast_tuple_target)');
    await setStatistics(runner, STATISTICS_BY_DEFAULT);
    for (const table of GROWING) {
      await runner.query(
        `alter table ${table} reset (autovacuum_analyze_threshold, autovacuum_vacuum_insert_threshold)`,
      );
    }
  }
}

async function setStatistics(runner: QueryRunner, target: number): Promise<void> {
  for (const [table, column] of DOCUMENTS.map((name) => name.split('.'))) {
    await runner.query(`alter table ${table} alter column ${column} set statistics ${target}`);
  }
}
