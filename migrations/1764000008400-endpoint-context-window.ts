import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Two endpoints of one model need not take prompts of one length: servers are started with contexts of their own. */
export class EndpointContextWindow1764000008400 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table model_endpoint add column context_window integer check (context_window > 0)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table model_endpoint drop column context_window');
  }
}
