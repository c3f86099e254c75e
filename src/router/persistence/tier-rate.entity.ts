import { Column, Entity, PrimaryColumn } from 'typeorm';
import { microsColumn } from '../../platform/database/index.js';
import type { UsdMicros } from '../../platform/money/index.js';
import type { Tier } from '../../wallet/index.js';

/** Immutable: a change is a new version. */
@Entity('tier_rate')
export class TierRateEntity {
  @PrimaryColumn('text')
  tier!: Tier;

  @PrimaryColumn('integer')
  version!: number;

  @Column('text')
  name!: string;

  @Column('text', { default: '' })
  description!: string;

  @Column('bigint', { name: 'usd_per_credit', transformer: microsColumn })
  usdPerCredit!: UsdMicros;

  @Column('integer', { name: 'sort_order', default: 0 })
  sortOrder!: number;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;
}
