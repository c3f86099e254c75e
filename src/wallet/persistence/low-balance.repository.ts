import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { inTransaction } from '../../platform/database/index.js';
import { micros, type Micros } from '../../platform/money/index.js';
import { parseTier, type Tier } from '../domain/tier.js';
import type { Queryable } from '../domain/wallet.js';
import { LowBalanceWatchEntity } from './low-balance-watch.entity.js';

const SET = `insert into low_balance_watch (account_id, tier, threshold) values ($1, $2, $3)
  on conflict (account_id, tier) do update set threshold = excluded.threshold, updated_at = now()`;

/** Wallets that have crossed their threshold since the last look, either way. Those that another process is at are left to it. */
const CROSSED = `
  with crossed as (
    select l.account_id, l.tier, w.available from low_balance_watch l
      join wallet w on w.account_id = l.account_id and w.tier = l.tier
      where l.is_low <> (w.available < l.threshold)
      order by l.account_id, l.tier limit $1 for update of l skip locked
  ), moved as (
    update low_balance_watch l set is_low = not l.is_low from crossed c
      where l.account_id = c.account_id and l.tier = c.tier
      returning l.account_id, l.tier, l.threshold, l.is_low, c.available
  )
  select account_id, tier, threshold, is_low, available from moved order by account_id, tier`;

interface CrossedRow {
  account_id: string;
  tier: string;
  threshold: string;
  is_low: boolean;
  available: string;
}

/** A wallet that went below its threshold, or back. */
export interface Crossing {
  accountId: string;
  tier: Tier;
  thresholdMicros: Micros;
  availableMicros: Micros;
  isLow: boolean;
}

/** Thresholds of wallets, and which of them were crossed. */
@Injectable()
export class LowBalanceRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  inTransaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    return inTransaction(this.dataSource, work);
  }

  /** Thresholds of an account by tier. */
  async thresholds(accountId: string): Promise<Map<Tier, Micros>> {
    const rows = await this.dataSource.manager.findBy(LowBalanceWatchEntity, { accountId });
    return new Map(rows.map(({ tier, threshold }) => [tier, threshold]));
  }

  async set(accountId: string, tier: Tier, thresholdMicros: Micros): Promise<void> {
    await this.dataSource.query(SET, [accountId, tier, thresholdMicros.toString()]);
  }

  async remove(accountId: string, tier: Tier): Promise<void> {
    await this.dataSource.manager.delete(LowBalanceWatchEntity, { accountId, tier });
  }

  /** Notes at most `limit` crossings; what follows from them belongs into the same transaction. */
  async crossed(transaction: Queryable, limit: number): Promise<Crossing[]> {
    return (await transaction.query<CrossedRow[]>(CROSSED, [limit])).map(crossingOf);
  }
}

function crossingOf(row: CrossedRow): Crossing {
  const tier = parseTier(row.tier);
  if (tier === null) throw new Error(`a watch of ${row.account_id} has no known tier`);
  return {
    accountId: row.account_id,
    tier,
    thresholdMicros: micros(BigInt(row.threshold)),
    availableMicros: micros(BigInt(row.available)),
    isLow: row.is_low,
  };
}
