import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What scheduled comparisons found, and what providers say that we used. No charge depends on either. */
export class Reconciliation1764000004100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table reconciliation_run (
        id uuid primary key,
        started_at timestamptz not null default now(),
        finished_at timestamptz,
        report jsonb
      );
      create index reconciliation_run_started on reconciliation_run (started_at);
      create table provider_statement_line (
        provider_id uuid not null references provider (id) on delete cascade,
        day date not null,
        upstream_model text not null,
        requests bigint not null check (requests >= 0),
        cost_usd bigint not null check (cost_usd >= 0),
        imported_at timestamptz not null default now(),
        primary key (provider_id, day, upstream_model)
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table provider_statement_line, reconciliation_run');
  }
}
