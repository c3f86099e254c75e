import { Column, Entity, PrimaryColumn } from 'typeorm';
import { microsColumn } from '../../platform/database/index.js';
import type { Micros } from '../../platform/money/index.js';
import type { Tier } from '../domain/tier.js';
import type { LedgerKind } from '../domain/wallet.js';

/** `seq` is the number of the wallet's newest ledger row. */
@Entity('wallet')
export class WalletEntity {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  @PrimaryColumn('text')
  tier!: Tier;

  @Column('bigint', { default: 0, transformer: microsColumn })
  available!: Micros;

  @Column('bigint', { default: 0, transformer: microsColumn })
  frozen!: Micros;

  @Column('bigint', { default: 0 })
  seq!: string;
}

@Entity('ledger_entry')
export class LedgerEntryEntity {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  @PrimaryColumn('text')
  tier!: Tier;

  @PrimaryColumn('bigint')
  seq!: string;

  @Column('text')
  kind!: LedgerKind;

  @Column('text', { name: 'freeze_id', nullable: true })
  freezeId!: string | null;

  @Column('bigint', { name: 'available_delta', transformer: microsColumn })
  availableDelta!: Micros;

  @Column('bigint', { name: 'frozen_delta', transformer: microsColumn })
  frozenDelta!: Micros;

  @Column('bigint', { name: 'available_after', transformer: microsColumn })
  availableAfter!: Micros;

  @Column('bigint', { name: 'frozen_after', transformer: microsColumn })
  frozenAfter!: Micros;

  @Column('text', { name: 'idempotency_key' })
  idempotencyKey!: string;

  @Column('text', { nullable: true })
  note!: string | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;
}

@Entity('quota_day')
export class QuotaDayEntity {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'api_key_id' })
  apiKeyId!: string;

  @PrimaryColumn('date')
  day!: string;

  @Column('bigint', { default: 0, transformer: microsColumn })
  used!: Micros;
}

/** What the platform has borne because a wallet could not pay, or because an outcome came after its freeze had expired. */
@Entity('platform_shortfall')
export class PlatformShortfallEntity {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  @PrimaryColumn('text', { name: 'request_id' })
  requestId!: string;

  @Column('text')
  tier!: Tier;

  @Column('bigint', { transformer: microsColumn })
  amount!: Micros;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;
}
