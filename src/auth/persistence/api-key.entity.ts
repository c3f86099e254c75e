import { Column, Entity, PrimaryColumn } from 'typeorm';
import { microsColumn } from '../../platform/database/index.js';
import type { Micros } from '../../platform/money/index.js';
import type { Tier } from '../../wallet/index.js';
import type { KeyStatus } from '../domain/identity.js';

@Entity('api_key')
export class ApiKeyEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  name!: string;

  @Column('text')
  display!: string;

  @Column('uuid', { name: 'owner_account_id' })
  ownerAccountId!: string;

  @Column('uuid', { name: 'billing_account_id' })
  billingAccountId!: string;

  @Column('text', { default: 'ACTIVE' })
  status!: KeyStatus;

  @Column('text', { nullable: true })
  tier!: Tier | null;

  @Column('text', { name: 'fixed_model', nullable: true })
  fixedModel!: string | null;

  @Column('uuid', { name: 'policy_id', nullable: true })
  policyId!: string | null;

  @Column('bigint', { name: 'limit_daily', nullable: true, transformer: microsColumn })
  limitDailyMicros!: Micros | null;

  @Column('bigint', { name: 'limit_weekly', nullable: true, transformer: microsColumn })
  limitWeeklyMicros!: Micros | null;

  @Column('integer', { name: 'limit_rpm', nullable: true })
  limitRpm!: number | null;

  @Column('integer', { name: 'limit_concurrency', nullable: true })
  limitConcurrency!: number | null;

  @Column('timestamptz', { name: 'expires_at', nullable: true })
  expiresAt!: Date | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt!: Date;
}

/** A key may have several secrets at once: the current one, and rotated ones until their grace time is over. */
@Entity('api_key_secret')
export class ApiKeySecretEntity {
  @PrimaryColumn('bytea', { name: 'secret_hash' })
  secretHash!: Buffer;

  @Column('uuid', { name: 'api_key_id' })
  apiKeyId!: string;

  @Column('integer', { name: 'hash_version' })
  hashVersion!: number;

  @Column('timestamptz', { name: 'expires_at', nullable: true })
  expiresAt!: Date | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;
}

/** Apart from the key, so that using a key does not announce a change of it. */
@Entity('api_key_last_use')
export class ApiKeyLastUseEntity {
  @PrimaryColumn('uuid', { name: 'api_key_id' })
  apiKeyId!: string;

  @Column('timestamptz', { name: 'last_used_at' })
  lastUsedAt!: Date;
}
