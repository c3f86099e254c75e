import { z } from 'zod';
import type { UsageFilter, UsageRecord } from '../../billing/index.js';
import { formatDecimal } from '../../platform/money/index.js';
import { decimalOut, plainText, tier, timeIn, timeOrNull, timeOut, uuid } from '../http/fields.js';
import { pageQueryOf } from '../http/pagination.js';

const TEXT_LENGTH_MAX = 256;

const status = z.enum(['pending', 'settled', 'released', 'expired', 'failed']);
const label = plainText(TEXT_LENGTH_MAX).min(1);

export const usageQuerySchema = z.strictObject({
  ...pageQueryOf(/^gwr_[0-9a-f]{32}$/),
  request_id: label.optional().describe('Either request id.'),
  account_id: uuid.optional().describe('Billing account.'),
  api_key_id: uuid.optional(),
  model: label.optional().describe('`model_key` or `model_id`.'),
  provider: label.optional().describe('Name of the provider that served.'),
  tier: tier.optional(),
  status: status.optional(),
  from: timeIn.optional().describe('Requests at or after this time.'),
  to: timeIn.optional().describe('Requests before this time.'),
  format: z
    .enum(['json', 'csv', 'ndjson'])
    .default('json')
    .describe('`csv` and `ndjson` are a file with every record from `cursor` on, whatever `limit` says.'),
});
export type UsageQuery = z.output<typeof usageQuerySchema>;

const tokens = z.int().min(0);

export const usageSchema = z
  .object({
    request_id: z.string(),
    client_request_id: z.string(),
    api_key_id: uuid,
    account_id: uuid,
    model_key: z.string(),
    provider: z.string().nullable(),
    tier,
    stream: z.boolean(),
    input_tokens: tokens.describe('Without the cached ones: the buckets are disjoint.'),
    output_tokens: tokens,
    cached_input_tokens: tokens,
    cached_output_tokens: tokens,
    credits_used: decimalOut.describe('The price: `credits_charged` + `shortfall`.'),
    credits_charged: decimalOut,
    shortfall: decimalOut,
    usd_cost: decimalOut,
    provider_cost_usd: decimalOut,
    margin_usd: decimalOut,
    usage_source: z.enum(['provider', 'estimated', 'unavailable']),
    price_id: uuid.describe('The price version that it is priced with.'),
    corrections: z.int().min(0).describe('How often it was put right after its settlement.'),
    status,
    created_at: timeOut,
    settled_at: timeOut.nullable(),
  })
  .meta({ id: 'UsageRecord' });
export type UsageView = z.output<typeof usageSchema>;

/** The filters of a query as the billing module takes them. */
export function usageFilter(query: UsageQuery): UsageFilter {
  return {
    requestId: query.request_id,
    accountId: query.account_id,
    apiKeyId: query.api_key_id,
    model: query.model,
    provider: query.provider,
    tier: query.tier,
    status: query.status,
    from: query.from,
    to: query.to,
  };
}

export function usageView(record: UsageRecord): UsageView {
  return {
    request_id: record.requestId,
    client_request_id: record.clientRequestId,
    api_key_id: record.apiKeyId,
    account_id: record.accountId,
    model_key: record.modelKey,
    provider: record.provider,
    tier: record.tier,
    stream: record.stream,
    input_tokens: record.inputTokens,
    output_tokens: record.outputTokens,
    cached_input_tokens: record.cachedInputTokens,
    cached_output_tokens: record.cachedOutputTokens,
    credits_used: formatDecimal(record.creditsUsedMicros),
    credits_charged: formatDecimal(record.creditsChargedMicros),
    shortfall: formatDecimal(record.shortfallMicros),
    usd_cost: formatDecimal(record.usdCostMicros),
    provider_cost_usd: formatDecimal(record.providerCostUsdMicros),
    margin_usd: formatDecimal(record.marginUsdMicros),
    usage_source: record.usageSource,
    price_id: record.priceId,
    corrections: record.corrections,
    status: record.status,
    created_at: record.createdAt.toISOString(),
    settled_at: timeOrNull(record.settledAt),
  };
}
