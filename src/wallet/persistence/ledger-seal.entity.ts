import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Tier } from '../domain/tier.js';

/** Chain hashes of a run of rows of one wallet, 32 bytes each, in order. */
@Entity('ledger_seal')
export class LedgerSealEntity {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  @PrimaryColumn('text')
  tier!: Tier;

  @PrimaryColumn('bigint', { name: 'from_seq' })
  fromSeq!: string;

  @Column('bigint', { name: 'to_seq' })
  toSeq!: string;

  @Column('bigint')
  checkpoint!: string;

  @Column('bytea', { name: 'previous_hash' })
  previousHash!: Buffer;

  @Column('bytea', { name: 'row_hashes' })
  rowHashes!: Buffer;
}

/** What was sealed in one transaction, signed. */
@Entity('ledger_checkpoint')
export class LedgerCheckpointEntity {
  @PrimaryColumn('bigint')
  number!: string;

  @Column('timestamptz', { name: 'sealed_at' })
  sealedAt!: Date;

  @Column('bytea', { name: 'previous_hash' })
  previousHash!: Buffer;

  @Column('text')
  heads!: string;

  @Column('bytea')
  hash!: Buffer;

  @Column('text', { name: 'key_id' })
  keyId!: string;

  @Column('bytea')
  signature!: Buffer;
}

/** Newest sealed row of each wallet. */
@Entity('ledger_chain')
export class LedgerChainEntity {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  @PrimaryColumn('text')
  tier!: Tier;

  @Column('bigint')
  seq!: string;

  @Column('bytea')
  hash!: Buffer;
}
