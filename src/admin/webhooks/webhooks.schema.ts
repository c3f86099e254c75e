import { z } from 'zod';
import type { AttemptResult, Webhook, WebhookWithSecret } from '../../events/index.js';
import { eventKind } from '../events/events.schema.js';
import { patchOf, text, timeOrNull, timeOut, uuid } from '../http/fields.js';
import { pageQuery } from '../http/pagination.js';

const URL_LENGTH_MAX = 2_000;
/** Thirty days. */
const GRACE_SECONDS_MAX = 2_592_000;

const url = z
  .string()
  .min(1)
  .max(URL_LENGTH_MAX)
  .meta({ examples: ['https://hooks.example.com/joytoken'] })
  .describe('http(s), no credentials; no loopback or private address unless the gateway is set to allow them.');
const kinds = z.array(eventKind).min(1).nullable().describe('`null`: all, also kinds that are yet to come.');

export const createWebhookSchema = z.strictObject({
  url,
  kinds: kinds.optional(),
  description: text.optional(),
  enabled: z.boolean().optional(),
});
export type CreateWebhook = z.output<typeof createWebhookSchema>;

export const patchWebhookSchema = patchOf({ url, kinds, description: text, enabled: z.boolean() });
export type PatchWebhook = z.output<typeof patchWebhookSchema>;

export const webhookQuerySchema = z.strictObject(pageQuery);
export type WebhookQuery = z.output<typeof webhookQuerySchema>;

export const webhookSchema = z
  .object({
    id: uuid,
    url: z.string(),
    kinds,
    description: z.string(),
    enabled: z.boolean().describe('Events of the meantime are not sent later; what was on its way waits.'),
    failing_since: timeOut.nullable().describe('Since when nothing could be delivered.'),
    last_error: z.string().nullable().describe('Why the last delivery failed; `null` while all is well.'),
    created_at: timeOut,
    updated_at: timeOut,
  })
  .meta({ id: 'Webhook' });
export type WebhookView = z.output<typeof webhookSchema>;

export const webhookWithSecretSchema = webhookSchema
  .extend({
    secret: z
      .string()
      .nullable()
      .describe('`whsec_…`, signs every message. Shown this once; `null` when the answer is a repetition.'),
    replayed: z.literal(true).optional(),
  })
  .meta({ id: 'WebhookWithSecret' });
export type WebhookWithSecretView = z.output<typeof webhookWithSecretSchema>;

export const rotateSecretSchema = z
  .strictObject({
    grace_seconds: z
      .int()
      .min(0)
      .max(GRACE_SECONDS_MAX)
      .optional()
      .describe('How long older secrets sign as well; a day when absent.'),
  })
  .optional();
export type RotateSecret = z.output<typeof rotateSecretSchema>;

export const webhookTestSchema = z
  .object({
    delivered: z.boolean().describe('Whether the receiver answered with a 2xx.'),
    status: z.int().nullable(),
    latency_ms: z.int(),
    error: z.string().nullable(),
  })
  .meta({ id: 'WebhookTest' });
export type WebhookTestView = z.output<typeof webhookTestSchema>;

export function webhookView(webhook: Webhook): WebhookView {
  return {
    id: webhook.id,
    url: webhook.url,
    kinds: webhook.kinds,
    description: webhook.description,
    enabled: webhook.enabled,
    failing_since: timeOrNull(webhook.failingSince),
    last_error: webhook.lastError,
    created_at: webhook.createdAt.toISOString(),
    updated_at: webhook.updatedAt.toISOString(),
  };
}

/** The only view that shows a secret. */
export function webhookWithSecretView({ webhook, secret }: WebhookWithSecret): WebhookWithSecretView {
  return { ...webhookView(webhook), secret };
}

/** What a repeated creation or rotation is told; the secret is not stored in the clear. */
export function withoutWebhookSecret(body: unknown): unknown {
  return { ...(body as WebhookWithSecretView), secret: null, replayed: true };
}

export function webhookTestView({ status, error, latencyMs }: AttemptResult): WebhookTestView {
  return { delivered: error === null, status, latency_ms: latencyMs, error };
}
