import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { databaseNowMs, toJsonb } from '../../platform/database/index.js';
import { idFloor, newId } from '../../platform/ids/index.js';
import { severityOf, type EventFilter, type NewEvent, type StoredEvent, type Transaction } from '../domain/event.js';
import { EventEntity } from './event.entity.js';

/**
 * Events and a delivery to each webhook that wants them, in one statement. Webhooks are held meanwhile: one that is deleted at
 * this moment is left out, and never makes a write fail that has nothing to do with it.
 */
const RAISE = `
  with raised as (
    insert into event (id, kind, severity, account_id, subject_type, subject_id, data, once_key, created_at)
    select id, kind, severity, account_id, subject_type, subject_id, data, once_key, created_at
      from jsonb_to_recordset($1::jsonb) as e (id uuid, kind text, severity text, account_id uuid, subject_type text,
        subject_id text, data jsonb, once_key text, created_at timestamptz)
      order by once_key, id
    on conflict (once_key) do nothing returning id, kind
  ), receivers as (
    select id, kinds from webhook where enabled order by id for key share
  ), sent as (
    insert into webhook_delivery (event_id, webhook_id)
    select r.id, w.id from raised r cross join receivers w where w.kinds is null or r.kind = any (w.kinds)
  )
  select count(*)::integer as count from raised`;

const FORGET = `delete from event where id in (select id from event where id < $1 order by id limit $2) returning id`;

/** Events in the database. */
@Injectable()
export class EventRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** @returns how many were kept: those of a `onceKey` that is known are not. */
  async raise(events: readonly NewEvent[], nowMs: number, transaction?: Transaction): Promise<number> {
    const rows = events.map((event) => ({
      id: newId(nowMs),
      kind: event.kind,
      severity: severityOf(event.kind),
      account_id: event.accountId,
      subject_type: event.subject.type,
      subject_id: event.subject.id,
      data: event.data,
      once_key: event.onceKey ?? null,
      created_at: new Date(nowMs),
    }));
    const queryable: Transaction = transaction ?? this.dataSource;
    const [raised] = await queryable.query<{ count: number }[]>(RAISE, [toJsonb(rows)]);
    return raised?.count ?? 0;
  }

  async find(id: string): Promise<StoredEvent | null> {
    return this.dataSource.manager.findOneBy(EventEntity, { id });
  }

  /** Newest first, below `beforeId` when it is given. */
  async list(filter: EventFilter, limit: number, beforeId: string | null): Promise<StoredEvent[]> {
    const { kind, accountId, from, to } = filter;
    const query = this.dataSource.createQueryBuilder(EventEntity, 'event').orderBy('event.id', 'DESC').limit(limit);
    if (kind !== undefined) query.andWhere('event.kind = :kind', { kind });
    if (accountId !== undefined) query.andWhere('event.accountId = :accountId', { accountId });
    if (from !== undefined) query.andWhere('event.id >= :from', { from: idFloor(from.getTime()) });
    if (to !== undefined) query.andWhere('event.id < :to', { to: idFloor(to.getTime()) });
    if (beforeId !== null) query.andWhere('event.id < :beforeId', { beforeId });
    return query.getMany();
  }

  nowMs(): Promise<number> {
    return databaseNowMs(this.dataSource);
  }

  /** Deletes events that were raised before a moment, with their deliveries. @returns whether there may be more. */
  async forget(beforeMs: number, limit: number): Promise<boolean> {
    const [gone] = await this.dataSource.query<[object[], number]>(FORGET, [idFloor(beforeMs), limit]);
    return gone.length === limit;
  }
}
