import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A quarter of an hour is rolled up five minutes after its end, as soon as no freeze of before is open: both by the clock of the
 * database. A record belongs to the quarter that its id tells, by the clock of the process which received the request. If that
 * clock is behind, the quarter may be rolled up already when its freeze begins. Such a record marks its quarter as it is written.
 * A record whose freeze began less than four minutes after its quarter needs no mark: its open freeze held the quarter back, and
 * the fifth minute is for the writing of the freeze. The condition reads the new row alone, and costs other records nothing.
 */
const CAME_LATE = (row: string): string =>
  `usage_quarter(${row}request_id) + interval '15 minutes' <= ${row}created_at - interval '4 minutes'`;

export class MarkLateUsage1764000018200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create trigger usage_record_came_late after insert on usage_record
      for each row when (${CAME_LATE('new.')}) execute function note_changed_usage()`);
    // Records that came late before.
    await runner.query(`insert into usage_rollup_stale (starts_at)
      select distinct usage_quarter(request_id) from usage_record where ${CAME_LATE('')} on conflict do nothing`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop trigger usage_record_came_late on usage_record');
  }
}
