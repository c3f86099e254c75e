import { z } from 'zod';
import { formatDecimal } from '../../platform/money/index.js';
import type { Freeze } from '../../wallet/index.js';
import { decimalOut, tier, timeIn, timeOrNull, timeOut, uuid } from '../http/fields.js';
import { pageQueryOf } from '../http/pagination.js';

const state = z.enum(['held', 'captured', 'settled', 'released', 'expired']);
const states = z
  .union([state, z.array(state)])
  .transform((value) => [value].flat())
  .describe('May be repeated. Absent: those that have not ended.');

export const freezeQuerySchema = z.strictObject({
  ...pageQueryOf(/^gwr_[0-9a-f]{32}$/),
  state: states.optional(),
  account_id: uuid.optional(),
  api_key_id: uuid.optional(),
  tier: tier.optional(),
  created_before: timeIn.optional().describe('Only freezes that are older.'),
});
export type FreezeQuery = z.output<typeof freezeQuerySchema>;

export const freezeSchema = z
  .object({
    id: z.string().describe('The gateway request id.'),
    client_request_id: z.string(),
    account_id: uuid,
    api_key_id: uuid,
    tier,
    state,
    amount: decimalOut,
    extensions: z.int(),
    model_id: uuid,
    stream: z.boolean(),
    settle_attempts: z.int(),
    settle_error: z.string().nullable(),
    created_at: timeOut,
    captured_at: timeOut.nullable(),
    ended_at: timeOut.nullable(),
  })
  .meta({ id: 'Freeze' });
export type FreezeView = z.output<typeof freezeSchema>;

export function freezeView(freeze: Freeze): FreezeView {
  return {
    id: freeze.id,
    client_request_id: freeze.clientRequestId,
    account_id: freeze.accountId,
    api_key_id: freeze.apiKeyId,
    tier: freeze.tier,
    state: freeze.state,
    amount: formatDecimal(freeze.amountMicros),
    extensions: freeze.extensions,
    model_id: freeze.modelId,
    stream: freeze.stream,
    settle_attempts: freeze.settleAttempts,
    settle_error: freeze.settleError,
    created_at: freeze.createdAt.toISOString(),
    captured_at: timeOrNull(freeze.capturedAt),
    ended_at: timeOrNull(freeze.endedAt),
  };
}
