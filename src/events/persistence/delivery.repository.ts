import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import type { StoredEvent } from '../domain/event.js';
import type { Delivery, SealedSecret } from '../domain/webhook.js';
import { WebhookDeliveryEntity } from './webhook.entity.js';

/** An attempt that this process may make, and everything that it needs. */
export interface ClaimedDelivery extends StoredEvent {
  webhookId: string;
  url: string;
  /** This one included. */
  attempts: number;
  /** Newest first. */
  secrets: SealedSecret[];
}

/** How an attempt ended. */
export interface AttemptResult {
  status: number | null;
  /** `null`: the receiver has it. */
  error: string | null;
  latencyMs: number;
}

/** What waits: of enabled webhooks only. */
export interface Backlog {
  pending: number;
  /** Of those that are due, how long the oldest has been. */
  oldestDueMs: number;
}

/**
 * Takes a few due deliveries of every webhook, so that one that is slow or dead never stands in the way of another. The claim
 * is committed before anything is sent, and ends by itself: what a dead process was at is taken again.
 */
const CLAIM = `
  with due as (
    select d.event_id, d.webhook_id
      from webhook w
      left join unnest($1::uuid[], $2::integer[]) as busy (webhook_id, count) on busy.webhook_id = w.id
      cross join lateral (
        select event_id, webhook_id from webhook_delivery
          where webhook_id = w.id and state = 'pending' and next_attempt_at <= now()
          order by next_attempt_at limit greatest(0, $3 - coalesce(busy.count, 0))
          for update skip locked) d
      where w.enabled
  ), claimed as (
    update webhook_delivery d
      set attempts = d.attempts + 1, last_attempt_at = now(), next_attempt_at = now() + $4 * interval '1 millisecond'
      from due where d.event_id = due.event_id and d.webhook_id = due.webhook_id
      returning d.event_id, d.webhook_id, d.attempts
  )
  select e.id, e.kind, e.severity, e.account_id as "accountId", e.subject_type as "subjectType",
      e.subject_id as "subjectId", e.data, e.created_at as "createdAt",
      c.webhook_id as "webhookId", w.url, c.attempts,
      coalesce((select json_agg(json_build_object('id', s.id, 'sealed', s.sealed) order by s.created_at desc, s.id desc)
        from webhook_secret s where s.webhook_id = w.id and (s.expires_at is null or s.expires_at > now())), '[]') as secrets
    from claimed c join webhook w on w.id = c.webhook_id join event e on e.id = c.event_id`;

const DELIVERED = `
  with done as (
    update webhook_delivery set state = 'delivered', delivered_at = now(), last_status = $3, last_error = null,
        last_latency_ms = $4
      where event_id = $1 and webhook_id = $2 and state <> 'delivered')
  update webhook set failing_since = null, last_error = null where id = $2 and failing_since is not null`;

/** Only the process whose claim it still is may say that it failed. */
const MISSED = `
  with missed as (
    update webhook_delivery set state = case when $6::double precision is null then 'failed' else 'pending' end,
        next_attempt_at = now() + coalesce($6, 0) * interval '1 millisecond', last_status = $4, last_error = $5,
        last_latency_ms = $7
      where event_id = $1 and webhook_id = $2 and attempts = $3 and state = 'pending' returning webhook_id)
  update webhook set failing_since = coalesce(failing_since, now()), last_error = $5
    where id in (select webhook_id from missed)`;

const HAND_BACK = `update webhook_delivery set attempts = attempts - 1, next_attempt_at = now()
  where event_id = $1 and webhook_id = $2 and attempts = $3 and state = 'pending'`;

/** Again from the first attempt; to webhooks that did not get it in the first place only when they are named. */
const AGAIN = `
  insert into webhook_delivery as d (event_id, webhook_id)
    select $1, w.id from webhook w where w.id = $2 for key share
  on conflict (event_id, webhook_id) do update
    set state = 'pending', attempts = 0, next_attempt_at = now(), delivered_at = null
  returning d.webhook_id`;
const AGAIN_FAILED = `update webhook_delivery set state = 'pending', attempts = 0, next_attempt_at = now()
  where event_id = $1 and state = 'failed'`;

const BACKLOG = `
  select coalesce(sum(d.count), 0)::integer as pending,
      coalesce(extract(epoch from now() - min(d.oldest)) * 1000, 0)::double precision as "oldestDueMs"
    from webhook w cross join lateral (
      select count(*) as count, min(next_attempt_at) as oldest from webhook_delivery
        where webhook_id = w.id and state = 'pending') d
    where w.enabled`;

/** Deliveries in the database, which is their only queue. */
@Injectable()
export class DeliveryRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /**
   * @param running attempts of this process by webhook.
   * @param perWebhookMax of them and the new ones together.
   * @param leaseMs after which a claim is over.
   */
  claim(running: ReadonlyMap<string, number>, perWebhookMax: number, leaseMs: number): Promise<ClaimedDelivery[]> {
    return this.dataSource.query(CLAIM, [[...running.keys()], [...running.values()], perWebhookMax, leaseMs]);
  }

  async delivered({ id, webhookId }: ClaimedDelivery, { status, latencyMs }: AttemptResult): Promise<void> {
    await this.dataSource.query(DELIVERED, [id, webhookId, status, latencyMs]);
  }

  /** @param waitMs until the next attempt; `null` gives it up. */
  async missed(
    { id, webhookId, attempts }: ClaimedDelivery,
    { status, error, latencyMs }: AttemptResult,
    waitMs: number | null,
  ): Promise<void> {
    await this.dataSource.query(MISSED, [id, webhookId, attempts, status, error, waitMs, latencyMs]);
  }

  /** An attempt that was broken off by the end of this process does not count. */
  async handBack({ id, webhookId, attempts }: ClaimedDelivery): Promise<void> {
    await this.dataSource.query(HAND_BACK, [id, webhookId, attempts]);
  }

  /** @param webhookId `null`: every webhook at which it has failed. @returns whether the webhook is there. */
  async again(eventId: string, webhookId: string | null): Promise<boolean> {
    if (webhookId === null) {
      await this.dataSource.query(AGAIN_FAILED, [eventId]);
      return true;
    }
    return (await this.dataSource.query<object[]>(AGAIN, [eventId, webhookId])).length > 0;
  }

  ofEvent(eventId: string): Promise<Delivery[]> {
    return this.dataSource.manager.find(WebhookDeliveryEntity, { where: { eventId }, order: { webhookId: 'ASC' } });
  }

  async backlog(): Promise<Backlog> {
    const [found] = await this.dataSource.query<Backlog[]>(BACKLOG);
    return { pending: found?.pending ?? 0, oldestDueMs: Math.max(0, found?.oldestDueMs ?? 0) };
  }
}
