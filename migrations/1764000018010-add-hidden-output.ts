import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Tokens that a model may write without showing them: as its operator says, or as it was seen to. The sandbox shows everything.
 */
export class AddHiddenOutput1764000018010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table model add column hidden_output_max integer check (hidden_output_max >= 0),
      add column hidden_output_seen integer not null default 0 check (hidden_output_seen >= 0)`);
    await runner.query(`update model set hidden_output_max = 0 where model_key like 'sandbox/%'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table model drop column hidden_output_seen, drop column hidden_output_max');
  }
}
