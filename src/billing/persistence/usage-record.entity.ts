import { Column, Entity, PrimaryColumn, type ValueTransformer } from 'typeorm';
import { microsColumn } from '../../platform/database/index.js';
import { usdMicros, type Micros, type UsdMicros } from '../../platform/money/index.js';
import type { Tier } from '../../wallet/index.js';
import type { UsageSource } from '../domain/outcome.js';
import type { UsageStatus } from '../domain/usage.js';

const usdColumn: ValueTransformer = {
  from: (value: string): UsdMicros => usdMicros(BigInt(value)),
  to: (value: bigint): string => value.toString(),
};

@Entity('usage_record')
export class UsageRecordEntity {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  @PrimaryColumn('text', { name: 'request_id' })
  requestId!: string;

  @Column('text', { name: 'client_request_id' })
  clientRequestId!: string;

  @Column('uuid', { name: 'api_key_id' })
  apiKeyId!: string;

  @Column('uuid', { name: 'model_id' })
  modelId!: string;

  @Column('text', { name: 'model_key' })
  modelKey!: string;

  @Column('text', { nullable: true })
  provider!: string | null;

  @Column('text')
  tier!: Tier;

  @Column('boolean')
  stream!: boolean;

  @Column('text')
  status!: Exclude<UsageStatus, 'pending'>;

  @Column('integer', { name: 'input_tokens', default: 0 })
  inputTokens!: number;

  @Column('integer', { name: 'output_tokens', default: 0 })
  outputTokens!: number;

  @Column('integer', { name: 'cached_input_tokens', default: 0 })
  cachedInputTokens!: number;

  @Column('integer', { name: 'cached_output_tokens', default: 0 })
  cachedOutputTokens!: number;

  @Column('bigint', { name: 'credits_used', default: 0, transformer: microsColumn })
  creditsUsed!: Micros;

  @Column('bigint', { name: 'credits_charged', default: 0, transformer: microsColumn })
  creditsCharged!: Micros;

  @Column('bigint', { default: 0, transformer: microsColumn })
  shortfall!: Micros;

  @Column('bigint', { name: 'usd_cost', default: 0, transformer: usdColumn })
  usdCost!: UsdMicros;

  @Column('bigint', { name: 'provider_cost_usd', default: 0, transformer: usdColumn })
  providerCostUsd!: UsdMicros;

  @Column('text', { name: 'usage_source' })
  usageSource!: UsageSource;

  @Column('uuid', { name: 'price_id' })
  priceId!: string;

  @Column('bigint', { transformer: microsColumn })
  frozen!: Micros;

  @Column('jsonb', { nullable: true })
  outcome!: unknown;

  /** How often it was corrected; the rows say what was there before. */
  @Column('integer', { default: 0 })
  corrections!: number;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'settled_at', default: () => 'now()' })
  settledAt!: Date;
}
