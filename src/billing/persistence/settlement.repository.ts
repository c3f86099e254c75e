import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { databaseNowMs, inTransaction } from '../../platform/database/index.js';
import type { Queryable } from '../../wallet/index.js';
import type { SettlementItem } from '../domain/settlement.js';

const SETTLE = `select id, status, used, charged, shortfall from billing_settle($1)`;
const RELEASE = `select id from billing_settle($1)`;
const LOCK_HELD = `select 1 from wallet_freeze where account_id = $1 and id = $2 and state = 'held' for no key update`;
const EXPIRE = `select id from billing_expire_dead($1, $2 * interval '1 millisecond')`;
const DELETE_TRACES = `delete from request_trace where request_id in (
  select request_id from request_trace where request_id < $1 order by request_id limit $2)`;
const DELETE_PACKS = `delete from trace_pack where (received_s, pack_id) in (
  select received_s, pack_id from trace_pack where received_s < $1 order by received_s limit $2)`;
const DELETE_CHANGES = `delete from config_change where version in (
  select version from config_change where created_at < now() - interval '1 day'
    and version <= (select version from config_version) - $1 order by version limit $2)`;

export interface SettledRow {
  id: string;
  status: string;
  used: string;
  charged: string;
  shortfall: string;
}

/** Settlement across wallet and billing, always in one transaction. */
@Injectable()
export class SettlementRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    return inTransaction(this.dataSource, work);
  }

  /** Ends freezes and records their usage. Freezes that have ended already are not in the result. */
  async settle(items: readonly SettlementItem[], transaction: Queryable = this.dataSource): Promise<SettledRow[]> {
    return transaction.query<SettledRow[]>(SETTLE, [JSON.stringify(items)]);
  }

  /** Locks a freeze. @returns whether it is held. */
  async lockHeld(accountId: string, id: string, transaction: Queryable): Promise<boolean> {
    return (await transaction.query<object[]>(LOCK_HELD, [accountId, id])).length > 0;
  }

  /** Releases a freeze by hand. @returns whether it was open. */
  async release(accountId: string, id: string, transaction: Queryable = this.dataSource): Promise<boolean> {
    const item = { account_id: accountId, id, kind: 'release', status: 'released' };
    return (await transaction.query<object[]>(RELEASE, [JSON.stringify([item])])).length > 0;
  }

  /** Expires held freezes of processes whose lease is over. @returns how many. */
  async expireDead(limit: number, graceMs: number): Promise<number> {
    return (await this.dataSource.query<object[]>(EXPIRE, [limit, graceMs])).length;
  }

  nowMs(): Promise<number> {
    return databaseNowMs(this.dataSource);
  }

  /** Deletes traces older than a request id. @returns whether more are left. */
  async deleteTraces(belowRequestId: string, limit: number): Promise<boolean> {
    const [, count] = await this.dataSource.query<[unknown, number]>(DELETE_TRACES, [belowRequestId, limit]);
    return count >= limit;
  }

  /** Deletes packs of traces that are older than a time, in seconds. @returns whether more are left. */
  async deleteTracePacks(beforeS: number, limit: number): Promise<boolean> {
    const [, count] = await this.dataSource.query<[unknown, number]>(DELETE_PACKS, [beforeS, limit]);
    return count >= limit;
  }

  /** Deletes change notices that every living process has long read. @returns whether more are left. */
  async deleteChanges(kept: number, limit: number): Promise<boolean> {
    const [, count] = await this.dataSource.query<[unknown, number]>(DELETE_CHANGES, [kept, limit]);
    return count >= limit;
  }
}
