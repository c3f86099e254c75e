import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A breaker may keep one caller away only: faults that follow its requests say nothing to the others. */
export class KeepOneCallerAway1764000018100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table endpoint_outage add column caller text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table endpoint_outage drop column caller');
  }
}
