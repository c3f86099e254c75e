import { z } from 'zod';
import { STAGES, type FoundRequest, type RequestFilter } from '../../billing/index.js';
import { formatDecimal } from '../../platform/money/index.js';
import { decimalOut, plainText, tier, timeIn, timeOut, uuid } from '../http/fields.js';
import { pageQueryOf } from '../http/pagination.js';

const stage = z
  .looseObject({
    stage: z.enum(STAGES),
    status: z.enum(['passed', 'refused', 'failed', 'pending', 'not_reached']),
    ms: z.number().nullable(),
  })
  .describe('And the facts of the stage.');

export const explanationSchema = z
  .looseObject({
    request_id: z.string(),
    client_request_id: z.string(),
    status: z.int().nullable().describe('HTTP status that the caller saw.'),
    verdict: z.string().describe('One sentence.'),
    next_step: z.string(),
    stages: z.array(stage).describe('Always all nine, in the order of the pipeline.'),
  })
  .meta({ id: 'Explanation' });

const TEXT_LENGTH_MAX = 256;
const label = plainText(TEXT_LENGTH_MAX).min(1);

export const requestQuerySchema = z.strictObject({
  ...pageQueryOf(/^gwr_[0-9a-f]{32}$/),
  request_id: label.optional().describe('Either request id.'),
  account_id: uuid.optional().describe('Billing account.'),
  api_key_id: uuid.optional(),
  status: z
    .string()
    .regex(/^[1-5](\d\d|xx)$/, { error: 'an HTTP status such as 402, or a class such as 4xx' })
    .optional()
    .describe('HTTP status, e.g. `402`, or a class, e.g. `4xx`.'),
  stage: z.enum(STAGES).optional().describe('The stage that ended the request; `settle` when it was served.'),
  model: label.optional().describe('`model_key` that was selected, else what the request asked for.'),
  from: timeIn.optional().describe('Requests at or after this time.'),
  to: timeIn.optional().describe('Requests before this time.'),
});
export type RequestQuery = z.output<typeof requestQuerySchema>;

export const foundRequestSchema = z
  .object({
    request_id: z.string(),
    client_request_id: z.string(),
    created_at: timeOut,
    account_id: uuid.nullable().describe('`null` without a valid key.'),
    api_key_id: uuid.nullable().describe('`null` without a valid key.'),
    status: z.int().nullable().describe('HTTP status that the caller saw; `null` while it is not known.'),
    stage: z.enum(STAGES).describe('The stage that ended the request; `settle` when it was served.'),
    error: z.string().nullable().describe('Code of the error.'),
    model: z.string().nullable(),
    tier: tier.nullable(),
    provider: z.string().nullable(),
    usage_status: z.enum(['pending', 'settled', 'released', 'expired', 'failed']).nullable(),
    credits_charged: decimalOut.nullable().describe('`null` when nothing was frozen.'),
  })
  .meta({ id: 'FoundRequest' });
export type FoundRequestView = z.output<typeof foundRequestSchema>;

/** The filters of a query as the billing module takes them. */
export function requestFilter(query: RequestQuery): RequestFilter {
  const { request_id: requestId, account_id: accountId, api_key_id: apiKeyId, stage, model, from, to } = query;
  return { requestId, accountId, apiKeyId, stage, model, from, to, status: statusRange(query.status) };
}

/** `4xx` is all of 400 to 499. */
function statusRange(text: string | undefined): RequestFilter['status'] {
  if (text === undefined) return undefined;
  return { from: Number(text.replace('xx', '00')), to: Number(text.replace('xx', '99')) };
}

export function foundRequestView(found: FoundRequest): FoundRequestView {
  const { usage } = found;
  return {
    request_id: found.requestId,
    client_request_id: found.clientRequestId,
    created_at: found.createdAt.toISOString(),
    account_id: found.accountId,
    api_key_id: found.apiKeyId,
    status: found.status,
    stage: found.stage,
    error: found.error,
    model: found.model,
    tier: usage?.tier ?? null,
    provider: usage?.provider ?? null,
    usage_status: usage?.status ?? null,
    credits_charged: usage === null ? null : formatDecimal(usage.creditsChargedMicros),
  };
}
