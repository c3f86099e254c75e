import type { EventKind } from './event.js';

/** Where events are sent. */
export interface Webhook {
  id: string;
  url: string;
  /** `null`: all of them. */
  kinds: EventKind[] | null;
  description: string;
  enabled: boolean;
  /** Since when no delivery has succeeded although some were tried; `null` while all is well. */
  failingSince: Date | null;
  /** Why the last delivery failed, e.g. `http_500`; `null` while all is well. */
  lastError: string | null;
  createdAt: Date;
  updatedAt: Date;
}

export interface NewWebhook {
  url: string;
  kinds?: readonly EventKind[] | null | undefined;
  description?: string | undefined;
  enabled?: boolean | undefined;
}

/** Absent and `undefined` fields stay as they are. */
export type WebhookPatch = { [Name in keyof NewWebhook]?: NewWebhook[Name] | undefined };

/** A webhook and its new secret, which exists in the clear only here. */
export interface WebhookWithSecret {
  webhook: Webhook;
  secret: string;
}

/** A secret of a webhook as it is stored. */
export interface SealedSecret {
  id: string;
  sealed: string;
}

/** What a stored secret is bound to. */
export function secretOwner(secretId: string): string {
  return `webhook_secret:${secretId}`;
}

export type DeliveryState = 'pending' | 'delivered' | 'failed';

/** One event on its way to one webhook. */
export interface Delivery {
  eventId: string;
  webhookId: string;
  state: DeliveryState;
  attempts: number;
  /** When the next attempt is due, while it is pending. */
  nextAttemptAt: Date;
  lastAttemptAt: Date | null;
  /** HTTP status of the last answer; `null` when there was none. */
  lastStatus: number | null;
  lastError: string | null;
  lastLatencyMs: number | null;
  deliveredAt: Date | null;
}
