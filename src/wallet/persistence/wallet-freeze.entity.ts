import { Column, Entity, PrimaryColumn } from 'typeorm';
import { microsColumn } from '../../platform/database/index.js';
import type { Micros } from '../../platform/money/index.js';
import type { FreezeState } from '../domain/freeze.js';
import type { Tier } from '../domain/tier.js';

/** A freeze, and from its capture on the outbox of its settlement. */
@Entity('wallet_freeze')
export class WalletFreezeEntity {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  tier!: Tier;

  @Column('uuid', { name: 'api_key_id' })
  apiKeyId!: string;

  @Column('uuid', { name: 'process_id' })
  processId!: string;

  @Column('text', { default: 'held' })
  state!: FreezeState;

  @Column('bigint', { transformer: microsColumn })
  amount!: Micros;

  @Column('integer', { default: 0 })
  extensions!: number;

  @Column('date', { name: 'quota_day' })
  quotaDay!: string;

  @Column('uuid', { name: 'model_id' })
  modelId!: string;

  @Column('uuid', { name: 'price_id' })
  priceId!: string;

  @Column('text', { name: 'client_request_id' })
  clientRequestId!: string;

  @Column('boolean')
  stream!: boolean;

  @Column('jsonb')
  facts!: Record<string, unknown>;

  @Column('jsonb', { nullable: true })
  outcome!: unknown;

  @Column('integer', { name: 'settle_attempts', default: 0 })
  settleAttempts!: number;

  @Column('text', { name: 'settle_error', nullable: true })
  settleError!: string | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'captured_at', nullable: true })
  capturedAt!: Date | null;

  /** Set on a captured row: the outcome came after the freeze had ended. */
  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt!: Date | null;

  /** The key had a rate or concurrency limit: the row counts towards it. */
  @Column('boolean', { name: 'rate_limited', default: false })
  rateLimited!: boolean;

  /** A failed settlement is not tried again before this time. */
  @Column('timestamptz', { name: 'retry_at', nullable: true })
  retryAt!: Date | null;
}

/** A process that holds freezes; when its lease is over they expire. */
@Entity('process_lease')
export class ProcessLeaseEntity {
  @PrimaryColumn('uuid', { name: 'process_id' })
  processId!: string;

  @Column('text')
  role!: string;

  @Column('timestamptz', { name: 'lease_until' })
  leaseUntil!: Date;

  @Column('timestamptz', { name: 'started_at', default: () => 'now()' })
  startedAt!: Date;
}
