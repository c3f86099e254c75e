import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Traces of served requests, many to a row: nearly all requests are served, and nearly no trace of one is ever read. A row
 * holds compressed lines of requests that were received in the same second, so the time in a request id finds it. Refused
 * and failed requests are searched by what they hold and stay rows of their own.
 */
export class PackServedTraces1764000013000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table trace_pack (
      received_s bigint not null,
      pack_id uuid not null,
      lines bytea not null,
      primary key (received_s, pack_id)
    )`);
    // Compressed already.
    await runner.query('alter table trace_pack alter column lines set storage external');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table trace_pack');
  }
}
