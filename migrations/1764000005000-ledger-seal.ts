import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The hash chain over the ledger, in tables of its own because ledger rows are never changed. `ledger_seal` holds the chain
 * hashes of up to a few hundred rows of one wallet, `ledger_checkpoint` signs what was sealed in one transaction, and
 * `ledger_chain` only says where each wallet goes on.
 */
const SEAL = `
create table ledger_checkpoint (
  number bigint primary key check (number > 0),
  sealed_at timestamptz not null,
  previous_hash bytea not null check (octet_length(previous_hash) = 32),
  heads text not null,
  hash bytea not null check (octet_length(hash) = 32),
  key_id text not null,
  signature bytea not null
);
create table ledger_seal (
  account_id uuid not null,
  tier text not null,
  from_seq bigint not null check (from_seq > 0),
  to_seq bigint not null,
  checkpoint bigint not null references ledger_checkpoint (number),
  previous_hash bytea not null check (octet_length(previous_hash) = 32),
  row_hashes bytea not null,
  primary key (account_id, tier, from_seq),
  unique (account_id, tier, to_seq),
  constraint ledger_seal_one_hash_a_row check (octet_length(row_hashes) = 32 * (to_seq - from_seq + 1) and to_seq >= from_seq)
);
create index ledger_seal_checkpoint on ledger_seal (checkpoint);
create table ledger_chain (
  account_id uuid not null,
  tier text not null,
  seq bigint not null,
  hash bytea not null,
  primary key (account_id, tier)
);
create trigger ledger_seal_immutable before update or delete or truncate on ledger_seal
  for each statement execute function refuse_ledger_rewrite();
create trigger ledger_checkpoint_immutable before update or delete or truncate on ledger_checkpoint
  for each statement execute function refuse_ledger_rewrite();
`;

export class LedgerSeal1764000005000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SEAL);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table ledger_chain, ledger_seal, ledger_checkpoint');
  }
}
