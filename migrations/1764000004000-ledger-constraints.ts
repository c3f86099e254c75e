import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Invariants of money that one row can show. Each costs the evaluation of an expression when a row is written; nothing is
 * looked up. They are not validated here: old rows are read by `ledger:verify`, and a fault in them must be reported, not
 * keep the gateway from starting.
 *
 * With the unique idempotency key, the keys of the first check mean: one 'freeze' row and one end for each freeze.
 */
const CHECKS = `
alter table ledger_entry
  add constraint ledger_entry_seq check (seq > 0) not valid,
  add constraint ledger_entry_fits_kind check (case kind
    when 'top_up' then freeze_id is null and available_delta > 0 and frozen_delta = 0
    when 'adjust' then freeze_id is null and available_delta <> 0 and frozen_delta = 0
    when 'freeze' then freeze_id is not null and frozen_delta > 0 and available_delta = -frozen_delta
      and idempotency_key = 'freeze:' || freeze_id
    when 'extend' then freeze_id is not null and frozen_delta > 0 and available_delta = -frozen_delta
    when 'settle' then freeze_id is not null and frozen_delta < 0 and available_delta <= -frozen_delta
      and idempotency_key = 'end:' || freeze_id
    when 'release' then freeze_id is not null and frozen_delta < 0 and available_delta = -frozen_delta
      and idempotency_key = 'end:' || freeze_id
    when 'expire' then freeze_id is not null and frozen_delta < 0 and available_delta = -frozen_delta
      and idempotency_key = 'end:' || freeze_id
    else true end) not valid;
alter table wallet add constraint wallet_seq check (seq >= 0) not valid;
alter table wallet_freeze add constraint wallet_freeze_fits_state check (case state
    when 'held' then outcome is null and captured_at is null and ended_at is null
    when 'captured' then captured_at is not null
    else ended_at is not null end) not valid;
alter table usage_record
  add constraint usage_record_only_settled_charges check (status = 'settled' or credits_charged = 0) not valid,
  add constraint usage_record_tokens check (
    least(input_tokens, output_tokens, cached_input_tokens, cached_output_tokens) >= 0) not valid;
`;

/** One usage record a gateway request id, whatever account it names. The index was there already, without being unique. */
const UNIQUE_REQUEST = `
drop index usage_record_request;
create unique index usage_record_request on usage_record (request_id);
`;

export class LedgerConstraints1764000004000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(CHECKS);
    await runner.query(UNIQUE_REQUEST);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop index usage_record_request;
      create index usage_record_request on usage_record (request_id);
      alter table usage_record drop constraint usage_record_tokens, drop constraint usage_record_only_settled_charges;
      alter table wallet_freeze drop constraint wallet_freeze_fits_state;
      alter table wallet drop constraint wallet_seq;
      alter table ledger_entry drop constraint ledger_entry_fits_kind, drop constraint ledger_entry_seq;
    `);
  }
}
