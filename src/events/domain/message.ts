import type { StoredEvent } from './event.js';

/** The body of a message: `type`, `timestamp` and `data` as Standard Webhooks names them. The same for every attempt. */
export function messageOf(event: StoredEvent): string {
  return JSON.stringify({
    id: event.id,
    type: event.kind,
    timestamp: event.createdAt.toISOString(),
    severity: event.severity,
    account_id: event.accountId,
    subject: { type: event.subjectType, id: event.subjectId },
    data: event.data,
  });
}

/** What `POST …/test` sends; no event of this type exists. */
export function testMessage(id: string, webhookId: string, nowMs: number): string {
  return JSON.stringify({
    id,
    type: 'test',
    timestamp: new Date(nowMs).toISOString(),
    severity: 'info',
    account_id: null,
    subject: { type: 'webhook', id: webhookId },
    data: {},
  });
}
