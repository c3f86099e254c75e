import { z } from 'zod';
import type { Correction, CorrectionAnswer, CorrectionRequest, UsageSnapshot } from '../../billing/index.js';
import { formatDecimal } from '../../platform/money/index.js';
import { decimalOut, name, timeOut, usd, uuid } from '../http/fields.js';
import { usageSchema, usageView } from './usage.schema.js';

const TOKENS_MAX = 2_147_483_647;
const tokensIn = z.int().min(0).max(TOKENS_MAX).optional();

export const correctSchema = z
  .strictObject({
    reason: name.describe('Kept in the ledger and in the history of the record.'),
    input_tokens: tokensIn.describe('What is absent stays; all four at 0 give everything back.'),
    output_tokens: tokensIn,
    cached_input_tokens: tokensIn,
    cached_output_tokens: tokensIn,
    price_id: uuid.optional().describe('Another price version of the same model.'),
    provider_cost_usd: usd.optional(),
  })
  .refine((body) => Object.keys(body).length > 1, { error: 'at least one field besides reason is required' })
  .meta({ minProperties: 2 });
export type Correct = z.output<typeof correctSchema>;

const tokensOut = z.int().min(0);
const snapshotSchema = z
  .object({
    price_id: uuid,
    input_tokens: tokensOut,
    output_tokens: tokensOut,
    cached_input_tokens: tokensOut,
    cached_output_tokens: tokensOut,
    credits_used: decimalOut,
    credits_charged: decimalOut,
    shortfall: decimalOut,
    usd_cost: decimalOut,
    provider_cost_usd: decimalOut,
  })
  .meta({ id: 'UsageSnapshot' });

export const correctionSchema = z
  .object({
    request_id: z.string(),
    number: z.int().describe('From 1 for each request.'),
    reason: z.string(),
    actor: z.string(),
    before: snapshotSchema,
    after: snapshotSchema,
    created_at: timeOut,
  })
  .meta({ id: 'UsageCorrection' });
export type CorrectionView = z.output<typeof correctionSchema>;

export const correctedSchema = z
  .object({ correction: correctionSchema, usage: usageSchema })
  .meta({ id: 'CorrectedUsage' });
export type CorrectedView = z.output<typeof correctedSchema>;

export const correctionListSchema = z.object({ data: z.array(correctionSchema), next_cursor: z.null() });
export type CorrectionListView = z.output<typeof correctionListSchema>;

/** The fields of a body as the billing module takes them. */
export function correctionFields(
  body: Correct,
): Pick<CorrectionRequest, 'tokens' | 'priceId' | 'providerCostUsdMicros' | 'reason'> {
  return {
    reason: body.reason,
    tokens: {
      inputTokens: body.input_tokens,
      outputTokens: body.output_tokens,
      cachedInputTokens: body.cached_input_tokens,
      cachedOutputTokens: body.cached_output_tokens,
    },
    priceId: body.price_id,
    providerCostUsdMicros: body.provider_cost_usd,
  };
}

export function correctionView(correction: Correction): CorrectionView {
  return {
    request_id: correction.requestId,
    number: correction.number,
    reason: correction.reason,
    actor: correction.actor,
    before: snapshotView(correction.before),
    after: snapshotView(correction.after),
    created_at: correction.createdAt.toISOString(),
  };
}

export function correctedView(answer: CorrectionAnswer): CorrectedView {
  return { correction: correctionView(answer.correction), usage: usageView(answer.record) };
}

function snapshotView(snapshot: UsageSnapshot): CorrectionView['before'] {
  return {
    price_id: snapshot.priceId,
    input_tokens: snapshot.inputTokens,
    output_tokens: snapshot.outputTokens,
    cached_input_tokens: snapshot.cachedInputTokens,
    cached_output_tokens: snapshot.cachedOutputTokens,
    credits_used: formatDecimal(snapshot.creditsUsedMicros),
    credits_charged: formatDecimal(snapshot.creditsChargedMicros),
    shortfall: formatDecimal(snapshot.shortfallMicros),
    usd_cost: formatDecimal(snapshot.usdCostMicros),
    provider_cost_usd: formatDecimal(snapshot.providerCostUsdMicros),
  };
}
