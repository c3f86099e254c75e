import { Injectable } from '@nestjs/common';
import { Clock } from '../platform/clock/index.js';
import { isUuid } from '../platform/ids/index.js';
import type { EventFilter, NewEvent, StoredEvent, Transaction } from './domain/event.js';
import type { Delivery } from './domain/webhook.js';
import { eventNotFound, unknownWebhook } from './events.errors.js';
import { DeliveryRepository, type Backlog } from './persistence/delivery.repository.js';
import { EventRepository } from './persistence/event.repository.js';

/** What has happened. Whoever raises an event does so in the transaction that makes it true. */
@Injectable()
export class EventLog {
  constructor(
    private readonly events: EventRepository,
    private readonly deliveries: DeliveryRepository,
    private readonly clock: Clock,
  ) {}

  /**
   * Keeps events, with a delivery to each enabled webhook that wants them.
   * @param transaction joined; without one that of the administrative write that runs, or one of its own.
   */
  async raise(events: readonly NewEvent[], transaction?: Transaction): Promise<void> {
    if (events.length > 0) await this.events.raise(events, this.clock.nowMs(), transaction);
  }

  /** Newest first. `cursor` is the `nextCursor` of the page before. */
  async list(
    filter: EventFilter,
    page: { limit: number; cursor: string | null },
  ): Promise<{ items: StoredEvent[]; nextCursor: string | null }> {
    const rows = await this.events.list(filter, page.limit + 1, page.cursor);
    const items = rows.slice(0, page.limit);
    return { items, nextCursor: rows.length > page.limit ? (items.at(-1)?.id ?? null) : null };
  }

  /** @throws AppError `not_found`. */
  async read(id: string): Promise<{ event: StoredEvent; deliveries: Delivery[] }> {
    const event = isUuid(id) ? await this.events.find(id) : null;
    if (event === null) throw eventNotFound();
    return { event, deliveries: await this.deliveries.ofEvent(id) };
  }

  /**
   * Delivers an event once more, from the first attempt.
   * @param webhookId also one that never got it; `null`: all at which it has failed.
   * @throws AppError `not_found` (event), `unprocessable` (webhook).
   */
  async redeliver(id: string, webhookId: string | null): Promise<{ event: StoredEvent; deliveries: Delivery[] }> {
    await this.read(id);
    if (!(await this.deliveries.again(id, webhookId))) throw unknownWebhook();
    return this.read(id);
  }

  /** What waits for receivers, for metrics. */
  backlog(): Promise<Backlog> {
    return this.deliveries.backlog();
  }
}
