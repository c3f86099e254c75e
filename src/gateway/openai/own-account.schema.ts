import { z } from 'zod';
import type { UsageRecord } from '../../billing/index.js';
import type { OperationSpec } from '../../platform/openapi/index.js';
import { AppError } from '../../platform/errors/index.js';
import { formatDecimal } from '../../platform/money/index.js';
import { TIERS } from '../../wallet/index.js';

/** What a key holder reads of its own account with the API key alone. */

const TAG = 'Own account';
const LIMIT_MAX = 200;
const time = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const tier = z.enum(TIERS);
const decimal = z.string().describe('Credits, six places.');
const count = z.int().min(0);

export const ownUsageQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(50),
  cursor: z
    .string()
    .regex(/^gwr_[0-9a-f]{32}$/, { error: 'not a cursor of this list' })
    .optional()
    .describe('`next_cursor` of the page before.'),
  from: time.optional().describe('Requests at or after this time.'),
  to: time.optional().describe('Requests before this time.'),
});

const ownUsageRecord = z
  .object({
    request_id: z.string(),
    client_request_id: z.string(),
    model: z.string(),
    tier,
    stream: z.boolean(),
    status: z.enum(['pending', 'settled', 'released', 'expired', 'failed']),
    input_tokens: count,
    output_tokens: count,
    cached_input_tokens: count,
    cached_output_tokens: count,
    credits_used: decimal,
    credits_charged: decimal,
    usage_source: z.enum(['provider', 'estimated', 'unavailable']),
    created_at: z.iso.datetime(),
    settled_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'OwnUsageRecord' });

export const LIST_OWN_USAGE: OperationSpec = {
  summary: 'List what the requests of this key have used, newest first',
  tag: TAG,
  query: ownUsageQuerySchema,
  response: z.object({ object: z.literal('list'), data: z.array(ownUsageRecord), next_cursor: z.string().nullable() }),
};

const quota = z
  .object({ limit: decimal.nullable(), used: decimal, resets_at: z.iso.datetime() })
  .describe('`limit` is `null` when there is none.');

export const READ_OWN_BALANCE: OperationSpec = {
  summary: 'Read the wallets that this key pays from, and its limits',
  tag: TAG,
  response: z.object({
    object: z.literal('balance'),
    wallet: z.enum(['personal', 'organization']).describe('Whose wallets they are.'),
    wallets: z.array(z.object({ tier, available: decimal, frozen: decimal })),
    limits: z.object({
      daily: quota,
      weekly: quota,
      requests_per_minute: z.int().nullable(),
      concurrency: z.int().nullable(),
    }),
  }),
};

/**
 * The query of a list, as this door refuses one.
 * @throws AppError `invalid_request` naming the first parameter at fault.
 */
export function readOwnUsageQuery(query: unknown): z.output<typeof ownUsageQuerySchema> {
  const result = ownUsageQuerySchema.safeParse(query);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const param = issue?.code === 'unrecognized_keys' ? issue.keys[0] : issue?.path[0]?.toString();
  throw new AppError('invalid_request', `${param ?? 'query'}: ${issue?.message ?? 'not valid'}`, {
    code: 'invalid_parameter',
    ...(param === undefined ? {} : { param }),
  });
}

/** A record without what only operators see. */
export function ownUsageView(record: UsageRecord): z.output<typeof ownUsageRecord> {
  return {
    request_id: record.requestId,
    client_request_id: record.clientRequestId,
    model: record.modelKey,
    tier: record.tier,
    stream: record.stream,
    status: record.status,
    input_tokens: record.inputTokens,
    output_tokens: record.outputTokens,
    cached_input_tokens: record.cachedInputTokens,
    cached_output_tokens: record.cachedOutputTokens,
    credits_used: formatDecimal(record.creditsUsedMicros),
    credits_charged: formatDecimal(record.creditsChargedMicros),
    usage_source: record.usageSource,
    created_at: record.createdAt.toISOString(),
    settled_at: record.settledAt?.toISOString() ?? null,
  };
}
