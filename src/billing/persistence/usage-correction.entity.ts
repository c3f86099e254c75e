import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What `usage_snapshot` of the database keeps of a usage record. Amounts are decimal text of micro-units. */
export interface UsageSnapshotRow {
  price_id: string;
  input_tokens: number;
  output_tokens: number;
  cached_input_tokens: number;
  cached_output_tokens: number;
  credits_used: string;
  credits_charged: string;
  shortfall: string;
  usd_cost: string;
  provider_cost_usd: string;
}

/** Immutable: what one correction of a request replaced, by what, by whom and why. */
@Entity('usage_correction')
export class UsageCorrectionEntity {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  @PrimaryColumn('text', { name: 'request_id' })
  requestId!: string;

  @PrimaryColumn('integer')
  number!: number;

  @Column('text')
  reason!: string;

  @Column('text')
  actor!: string;

  @Column('text', { name: 'idempotency_key' })
  idempotencyKey!: string;

  @Column('jsonb')
  before!: UsageSnapshotRow;

  @Column('jsonb')
  after!: UsageSnapshotRow;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;
}
