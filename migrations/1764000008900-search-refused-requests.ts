import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Requests are searched by key, account, status, stage, model and time. Those that froze credits are found in the usage
 * records; the indexes hold only the others and the failed ones, so that the trace of a served request costs no more.
 */
export class SearchRefusedRequests1764000008900 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table request_trace add column model text');
    await runner.query('create index request_trace_refused on request_trace (request_id) where status >= 400');
    await runner.query(
      'create index request_trace_refused_key on request_trace (api_key_id, request_id) where status >= 400',
    );
    await runner.query(
      'create index request_trace_refused_account on request_trace (account_id, request_id) where status >= 400',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index request_trace_refused_account');
    await runner.query('drop index request_trace_refused_key');
    await runner.query('drop index request_trace_refused');
    await runner.query('alter table request_trace drop column model');
  }
}
