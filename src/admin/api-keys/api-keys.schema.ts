import { z } from 'zod';
import type { ApiKeyRecord, CreatedKey } from '../../auth/index.js';
import {
  credits,
  decimalOrNull,
  decimalOut,
  name,
  patchOf,
  plainText,
  tier,
  timeIn,
  timeOrNull,
  timeOut,
  uuid,
} from '../http/fields.js';
import { pageQuery } from '../http/pagination.js';

const COUNT_MAX = 2_147_483_647;
const MODEL_NAME_LENGTH_MAX = 256;

const count = z.int().min(0).max(COUNT_MAX);

/** What a key may be limited to; `null` lifts the restriction. */
const settings = {
  tier: tier.nullable(),
  fixed_model: plainText(MODEL_NAME_LENGTH_MAX).min(1).nullable().describe('`model_key` or `model_id`.'),
  policy_id: uuid.nullable(),
  limit_daily: credits.nullable().describe('Credits a UTC day; 0 allows nothing.'),
  limit_weekly: credits.nullable().describe('Credits an ISO week; 0 allows nothing.'),
  limit_rpm: count.nullable().describe('Requests a minute.'),
  limit_concurrency: count.nullable().describe('Requests at a time.'),
  expires_at: timeIn.nullable(),
};

export const createKeySchema = z.strictObject({
  name,
  owner_account_id: uuid,
  billing_account_id: uuid.nullable().optional().describe('The owner when absent, or an organization it belongs to.'),
  ...z.object(settings).partial().shape,
});
export type CreateKey = z.output<typeof createKeySchema>;

export const patchKeySchema = patchOf({ name, status: z.enum(['ACTIVE', 'DISABLED']), ...settings });
export type PatchKey = z.output<typeof patchKeySchema>;

const GRACE_MAX_S = 30 * 86_400;

export const rotateKeySchema = z.strictObject({
  grace_seconds: z
    .int()
    .min(0)
    .max(GRACE_MAX_S)
    .default(0)
    .describe('How long the old secret passes beside the new one. 0 ends it at once.'),
});
export type RotateKey = z.output<typeof rotateKeySchema>;

const status = z.enum(['ACTIVE', 'DISABLED', 'EXPIRED', 'REVOKED']);

export const keyQuerySchema = z.strictObject({
  ...pageQuery,
  owner_account_id: uuid.optional(),
  billing_account_id: uuid.optional(),
  status: status.optional(),
});
export type KeyQuery = z.output<typeof keyQuerySchema>;

export const keySchema = z
  .object({
    id: uuid,
    name: z.string(),
    display: z.string().describe('First and last characters of the key.'),
    status,
    owner_account_id: uuid,
    billing_account_id: uuid,
    tier: tier.nullable(),
    fixed_model: z.string().nullable(),
    policy_id: uuid.nullable(),
    limit_daily: decimalOut.nullable(),
    limit_weekly: decimalOut.nullable(),
    limit_rpm: z.int().nullable(),
    limit_concurrency: z.int().nullable(),
    expires_at: timeOut.nullable(),
    last_used_at: timeOut.nullable(),
    created_at: timeOut,
    updated_at: timeOut,
  })
  .meta({ id: 'ApiKey' });
export type KeyView = z.output<typeof keySchema>;

export const createdKeySchema = keySchema
  .extend({
    key: z.string().nullable().describe('Shown this once; `null` when the answer is a repetition.'),
    replayed: z.literal(true).optional(),
  })
  .meta({ id: 'CreatedApiKey' });
export type CreatedKeyView = z.output<typeof createdKeySchema>;

/** The only view that shows a secret. */
export function createdKeyView({ record, secret }: CreatedKey): CreatedKeyView {
  const { id, ...rest } = keyView(record);
  return { id, key: secret, ...rest };
}

/** What a repeated creation is told; the secret is never stored. */
export function withoutSecret(body: unknown): unknown {
  return { ...(body as CreatedKeyView), key: null, replayed: true };
}

export function keyView(key: ApiKeyRecord): KeyView {
  return {
    id: key.id,
    name: key.name,
    display: key.display,
    status: key.status,
    owner_account_id: key.ownerAccountId,
    billing_account_id: key.billingAccountId,
    tier: key.tier,
    fixed_model: key.fixedModel,
    policy_id: key.policyId,
    limit_daily: decimalOrNull(key.limitDailyMicros),
    limit_weekly: decimalOrNull(key.limitWeeklyMicros),
    limit_rpm: key.limitRpm,
    limit_concurrency: key.limitConcurrency,
    expires_at: timeOrNull(key.expiresAt),
    last_used_at: timeOrNull(key.lastUsedAt),
    created_at: key.createdAt.toISOString(),
    updated_at: key.updatedAt.toISOString(),
  };
}
