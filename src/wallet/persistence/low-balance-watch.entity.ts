import { Column, Entity, PrimaryColumn } from 'typeorm';
import { microsColumn } from '../../platform/database/index.js';
import type { Micros } from '../../platform/money/index.js';
import type { Tier } from '../domain/tier.js';

/** Beside the hot table of wallets: no request reads or writes it. */
@Entity('low_balance_watch')
export class LowBalanceWatchEntity {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  @PrimaryColumn('text')
  tier!: Tier;

  @Column('bigint', { transformer: microsColumn })
  threshold!: Micros;

  /** Whether the event was raised; back to `false` when there is enough again. */
  @Column('boolean', { name: 'is_low', default: false })
  isLow!: boolean;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt!: Date;
}
