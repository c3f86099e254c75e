import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Refused credentials by client address, added up over all processes. Rows live about a minute and are worth nothing after a
 * crash: unlogged. Nothing here is read or written by a request.
 */
export class ShareFailedLogins1764000011200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create unlogged table failed_login (
      address text primary key,
      since timestamptz not null,
      failures integer not null check (failures > 0)
    ) with (fillfactor = 50)`);
    await runner.query('create index failed_login_since on failed_login (since)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table failed_login');
  }
}
