import { z } from 'zod';
import { formatDecimal } from '../../platform/money/index.js';
import type { Endpoint, EndpointStanding, EndpointWaits } from '../../provider/index.js';
import type { EndpointPatch } from '../../router/index.js';
import { decimalOut, labels, name, patchOf, usd, uuid } from '../http/fields.js';

const RANK_MAX = 1_000_000;
const WAIT_MIN_MS = 10;
const WAIT_MAX_MS = 7_200_000;
const RETRY_AFTER_MAX_MS = 600_000;
const TOKENS_MAX = 100_000_000;

const rank = z.int().min(0).max(RANK_MAX);
const waitMs = z.int().min(WAIT_MIN_MS).max(WAIT_MAX_MS).optional();

const timeouts = z
  .strictObject({
    connect_ms: waitMs,
    headers_ms: waitMs,
    first_event_ms: waitMs.describe('From the headers of a stream to any event of it: a role, a comment, a ping.'),
    first_token_ms: waitMs.describe('From the start of an attempt to the first content of a stream.'),
    idle_ms: waitMs.describe('Longest silence between two pieces of an answer.'),
    total_ms: waitMs,
    retry_after_max_wait_ms: z
      .int()
      .min(0)
      .max(RETRY_AFTER_MAX_MS)
      .optional()
      .describe('Longest Retry-After of a 429 that is waited for before this endpoint is asked once more; 0 never.'),
  })
  .describe('Milliseconds; absent ones are the defaults of the configuration. Replaced as a whole.');

const required = { provider_id: uuid, upstream_model: name.describe('The model’s name at the provider.') };

const optional = {
  priority: rank.describe('Lower is tried first. Default 1.'),
  weight: rank.describe('Share among the endpoints of one priority. Default 1.'),
  timeouts,
  context_window: z
    .int()
    .min(1)
    .max(TOKENS_MAX)
    .nullable()
    .describe(
      'Tokens that fit at this endpoint, where that differs from the model; decides who takes too long a prompt.',
    ),
  input_usd_mtok: usd.describe('What the provider charges for a million input tokens.'),
  output_usd_mtok: usd.describe('What the provider charges for a million output tokens.'),
  supports_prefill: z.boolean().describe('It continues an answer that the request begins.'),
  allowed_fields: labels.describe('Request fields that change price or destination and are enabled here.'),
  enabled: z.boolean(),
};

export const createEndpointSchema = z.strictObject({ ...required, ...z.object(optional).partial().shape });
export type CreateEndpoint = z.output<typeof createEndpointSchema>;

export const patchEndpointSchema = patchOf({ ...required, ...optional });
export type PatchEndpoint = z.output<typeof patchEndpointSchema>;

export const endpointSchema = z
  .object({
    id: uuid,
    model_id: uuid,
    provider_id: uuid,
    provider: z.string(),
    upstream_model: z.string(),
    priority: z.int(),
    weight: z.int(),
    timeouts,
    context_window: z.int().nullable(),
    input_usd_mtok: decimalOut,
    output_usd_mtok: decimalOut,
    supports_prefill: z.boolean(),
    allowed_fields: z.array(z.string()),
    enabled: z.boolean().describe('Both the endpoint and its provider are enabled.'),
    standing: z
      .object({
        breaker: z.enum(['closed', 'open', 'half_open']).describe('`half_open`: the next call is the probe.'),
        breaker_scope: z
          .enum(['all', 'one_caller'])
          .nullable()
          .describe(
            'Whom an open breaker keeps away: every call, or those of the one account whose requests alone failed.',
          ),
        last_fault: z.string().nullable().describe('Short reason, e.g. `http_503`; `null` after a good answer.'),
        breaker_wait_ms: z.int().describe('Until a call may probe it.'),
        limited_for_ms: z.int().describe('What is left of its `Retry-After`.'),
      })
      .describe('As the process that answers knows it; processes tell each other.'),
  })
  .meta({ id: 'Endpoint' });
export type EndpointView = z.output<typeof endpointSchema>;

/** All of a model's endpoints; there are few. */
export const endpointListSchema = z.object({ data: z.array(endpointSchema), next_cursor: z.null() });
export type EndpointListView = z.output<typeof endpointListSchema>;

/** The fields of a body as the router takes them. */
export function endpointFields(body: PatchEndpoint): Omit<EndpointPatch, 'providerId' | 'upstreamModel'> {
  return {
    priority: body.priority,
    weight: body.weight,
    timeouts: body.timeouts === undefined ? undefined : timeoutsIn(body.timeouts),
    contextWindow: body.context_window,
    inputUsdPerMtok: body.input_usd_mtok,
    outputUsdPerMtok: body.output_usd_mtok,
    supportsPrefill: body.supports_prefill,
    allowedFields: body.allowed_fields,
    enabled: body.enabled,
  };
}

export function endpointView(endpoint: Endpoint, standing: EndpointStanding): EndpointView {
  return {
    id: endpoint.id,
    model_id: endpoint.modelId,
    provider_id: endpoint.providerId,
    provider: endpoint.providerName,
    upstream_model: endpoint.upstreamModel,
    priority: endpoint.priority,
    weight: endpoint.weight,
    timeouts: timeoutsOut(endpoint.timeouts),
    context_window: endpoint.contextWindow,
    input_usd_mtok: formatDecimal(endpoint.inputUsdPerMtok),
    output_usd_mtok: formatDecimal(endpoint.outputUsdPerMtok),
    supports_prefill: endpoint.supportsPrefill,
    allowed_fields: [...endpoint.allowedFields],
    enabled: endpoint.enabled,
    standing: {
      breaker: standing.breaker,
      breaker_scope: scopeOf(standing),
      last_fault: standing.lastFault,
      breaker_wait_ms: standing.breakerWaitMs,
      limited_for_ms: standing.limitedForMs,
    },
  };
}

function scopeOf({ breaker, isForOneCaller }: EndpointStanding): 'all' | 'one_caller' | null {
  if (breaker === 'closed') return null;
  return isForOneCaller ? 'one_caller' : 'all';
}

function timeoutsIn(wire: z.output<typeof timeouts>): NonNullable<EndpointPatch['timeouts']> {
  return {
    connectMs: wire.connect_ms,
    headersMs: wire.headers_ms,
    firstEventMs: wire.first_event_ms,
    firstTokenMs: wire.first_token_ms,
    idleMs: wire.idle_ms,
    totalMs: wire.total_ms,
    retryAfterMaxWaitMs: wire.retry_after_max_wait_ms,
  };
}

function timeoutsOut(known: Partial<EndpointWaits>): z.output<typeof timeouts> {
  return {
    connect_ms: known.connectMs,
    headers_ms: known.headersMs,
    first_event_ms: known.firstEventMs,
    first_token_ms: known.firstTokenMs,
    idle_ms: known.idleMs,
    total_ms: known.totalMs,
    retry_after_max_wait_ms: known.retryAfterMaxWaitMs,
  };
}
