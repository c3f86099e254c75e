export * from './domain/event.js';
export type {
  Delivery,
  DeliveryState,
  NewWebhook,
  Webhook,
  WebhookPatch,
  WebhookWithSecret,
} from './domain/webhook.js';
export * from './event-log.js';
export * from './events.module.js';
export type { AttemptResult, Backlog } from './persistence/delivery.repository.js';
export * from './webhook.service.js';
