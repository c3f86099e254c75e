import { z } from 'zod';
import { receiptSchema } from '../../billing/index.js';
import type { OperationSpec } from '../../platform/openapi/index.js';
import { chatRequestSchema } from './chat-request.schema.js';

/** What the API document says about model calls. */

const TAG = 'Model calls';

const metadata = z
  .looseObject({
    request_id: z.string(),
    client_request_id: z.string(),
    model: z.string(),
    model_id: z.string(),
    provider: z.string().nullable(),
    tier: z.string(),
    routing: z.looseObject({
      requested_model: z.string(),
      selected_model: z.string(),
      reason: z.string(),
      candidates: z.array(z.string()),
      routing_ms: z.number(),
    }),
    billing: z.looseObject({
      credits_used: z.string(),
      input_tokens: z.int(),
      output_tokens: z.int(),
      cached_input_tokens: z.int(),
      cached_output_tokens: z.int(),
      usage_source: z.enum(['provider', 'estimated', 'unavailable']),
      frozen: z.string(),
      wallet: z.enum(['personal', 'organization']),
      receipt: z.string(),
      stopped_by: z
        .enum(['insufficient_quota', 'max_tokens'])
        .optional()
        .describe(
          'Why the gateway ended the answer with `finish_reason: "length"`: the wallet has no more, or the provider went past the maximum.',
        ),
    }),
  })
  .meta({ id: 'AnswerMetadata' });

const completion = z
  .looseObject({
    id: z.string(),
    object: z.string(),
    created: z.int(),
    model: z.string(),
    choices: z.array(z.looseObject({})),
    usage: z.looseObject({}).optional(),
    metadata: metadata.optional(),
  })
  .meta({ id: 'ChatCompletion' });

export const CREATE_COMPLETION: OperationSpec = {
  summary: 'Create a chat completion',
  description:
    'The OpenAI Chat Completions API. Fields that are not listed go to the provider unchanged. With `stream` the answer is ' +
    '`text/event-stream`: the provider’s chunks, one event with `metadata`, then `[DONE]`; a stream without `[DONE]` is cut.',
  tag: TAG,
  headers: z.object({ 'X-Request-ID': z.string().max(128).optional().describe('The caller’s own label; echoed.') }),
  body: chatRequestSchema,
  response: completion,
  streams: true,
};

export const EXPLAIN_OWN_REQUEST: OperationSpec = {
  summary: 'Explain a request of this key, stage by stage',
  tag: TAG,
  response: z.looseObject({
    request_id: z.string(),
    client_request_id: z.string(),
    status: z.int().nullable(),
    verdict: z.string(),
    next_step: z.string(),
    stages: z.array(z.looseObject({ stage: z.string(), status: z.string(), ms: z.number().nullable() })),
  }),
};

export const READ_RECEIPT: OperationSpec = {
  summary: 'Read the signed receipt of a request',
  description:
    '`id` is `metadata.billing.receipt` of the answer, or the request id. For keys of the account that paid. A `pending` receipt has ' +
    'no settlement and no signature. `npm run receipt:verify` checks one offline; `/.well-known/jwks.json` has the public keys.',
  tag: TAG,
  response: receiptSchema,
};

export const READ_SIGNING_KEYS: OperationSpec = {
  summary: 'Read the public keys that verify receipts and ledger checkpoints',
  description: 'A JSON Web Key Set (RFC 7517, RFC 8037); the key that signs now is the first.',
  tag: TAG,
  response: z.object({
    keys: z.array(z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string(), kid: z.string() })),
  }),
};
