import { z } from 'zod';
import { EVENT_KINDS, SEVERITIES, type Delivery, type StoredEvent } from '../../events/index.js';
import { timeIn, timeOrNull, timeOut, uuid } from '../http/fields.js';
import { pageQuery } from '../http/pagination.js';

export const eventKind = z.enum(EVENT_KINDS);

export const eventQuerySchema = z.strictObject({
  ...pageQuery,
  kind: eventKind.optional(),
  account_id: uuid.optional(),
  from: timeIn.optional().describe('Not before this moment.'),
  to: timeIn.optional().describe('Before this moment.'),
});
export type EventQuery = z.output<typeof eventQuerySchema>;

export const eventSchema = z
  .object({
    id: uuid.describe('Also the `webhook-id` of its messages.'),
    kind: eventKind,
    severity: z.enum(SEVERITIES),
    account_id: uuid.nullable(),
    subject: z
      .object({ type: z.string(), id: z.string() })
      .describe('What it is about: `wallet`, `api_key`, `endpoint`, `reconciliation` or `request`.'),
    data: z.record(z.string(), z.unknown()).describe('Facts, by kind; see `docs/webhooks.md`.'),
    created_at: timeOut,
  })
  .meta({ id: 'Event' });
export type EventView = z.output<typeof eventSchema>;

export const deliverySchema = z
  .object({
    webhook_id: uuid,
    state: z
      .enum(['pending', 'delivered', 'failed'])
      .describe('`failed`: given up, until it is delivered again by hand.'),
    attempts: z.int(),
    next_attempt_at: timeOut.nullable(),
    last_attempt_at: timeOut.nullable(),
    last_status: z.int().nullable().describe('HTTP status of the last answer; `null` when there was none.'),
    last_error: z.string().nullable().describe('E.g. `http_500`, `timeout`, `connect_failed`, `address_refused`.'),
    last_latency_ms: z.int().nullable(),
    delivered_at: timeOut.nullable(),
  })
  .meta({ id: 'EventDelivery' });
export type DeliveryView = z.output<typeof deliverySchema>;

export const eventWithDeliveriesSchema = eventSchema
  .extend({ deliveries: z.array(deliverySchema) })
  .meta({ id: 'EventWithDeliveries' });
export type EventWithDeliveriesView = z.output<typeof eventWithDeliveriesSchema>;

export const redeliverSchema = z
  .strictObject({
    webhook_id: uuid
      .optional()
      .describe('One webhook, even if it never got the event; without it all that have failed.'),
  })
  .optional();
export type Redeliver = z.output<typeof redeliverSchema>;

export function eventView(event: StoredEvent): EventView {
  return {
    id: event.id,
    kind: event.kind,
    severity: event.severity,
    account_id: event.accountId,
    subject: { type: event.subjectType, id: event.subjectId },
    data: { ...event.data },
    created_at: event.createdAt.toISOString(),
  };
}

export function eventWithDeliveriesView(found: {
  event: StoredEvent;
  deliveries: Delivery[];
}): EventWithDeliveriesView {
  return { ...eventView(found.event), deliveries: found.deliveries.map(deliveryView) };
}

function deliveryView(delivery: Delivery): DeliveryView {
  return {
    webhook_id: delivery.webhookId,
    state: delivery.state,
    attempts: delivery.attempts,
    next_attempt_at: delivery.state === 'pending' ? delivery.nextAttemptAt.toISOString() : null,
    last_attempt_at: timeOrNull(delivery.lastAttemptAt),
    last_status: delivery.lastStatus,
    last_error: delivery.lastError,
    last_latency_ms: delivery.lastLatencyMs,
    delivered_at: timeOrNull(delivery.deliveredAt),
  };
}
