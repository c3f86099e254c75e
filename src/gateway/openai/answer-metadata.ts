import type { AccountKind } from '../../auth/index.js';
import { receiptIdOf, rescueFactsOf, type Outcome } from '../../billing/index.js';
import { formatDecimal } from '../../platform/money/index.js';
import type { Route } from '../../router/index.js';
import { filled, type RequestContext } from '../pipeline/context.js';

const CANDIDATES_MAX = 10;

/** What ended an answer that the gateway itself has ended, by the reason of its outcome. */
const STOPPED_BY: Readonly<Record<string, string>> = {
  quota_stop: 'insufficient_quota',
  maximum_exceeded: 'max_tokens',
};

/** What the gateway adds to an answer: how it was routed and what it cost. */
export function metadataOf(context: RequestContext, outcome: Outcome, wallet: AccountKind): Record<string, unknown> {
  const route = filled(context.route, 'route');
  const freeze = filled(context.freeze, 'freeze');
  return {
    request_id: context.requestId,
    client_request_id: context.clientRequestId,
    model: route.model.modelKey,
    model_id: route.model.id,
    provider: outcome.providerName,
    tier: route.model.tier,
    routing: {
      requested_model: route.requestedModel,
      selected_model: route.model.modelKey,
      reason: route.reason,
      candidates: servingCandidatesOf(route),
      routing_ms: route.routingMs,
      ...(context.fallbackFrom === null ? {} : { fallback_from: context.fallbackFrom }),
      ...(context.outgrown.length === 0 ? {} : { outgrown: context.outgrown.map(({ modelKey }) => modelKey) }),
      ...(outcome.rescued === null ? {} : { rescued: rescueFactsOf(outcome.rescued) }),
    },
    billing: {
      credits_used: formatDecimal(BigInt(outcome.creditsUsedMicros)),
      input_tokens: outcome.usage.inputTokens,
      output_tokens: outcome.usage.outputTokens,
      cached_input_tokens: outcome.usage.cachedInputTokens,
      cached_output_tokens: outcome.usage.cachedOutputTokens,
      usage_source: outcome.usageSource,
      frozen: formatDecimal(freeze.amountMicros),
      wallet,
      receipt: receiptIdOf(context.requestId),
      ...(outcome.reason in STOPPED_BY ? { stopped_by: STOPPED_BY[outcome.reason] } : {}),
    },
  };
}

/** The models that could have served the request, best first; the explanation also names the others and why they fell. */
function servingCandidatesOf(route: Route): string[] {
  const serving = route.candidates.filter((candidate) => candidate.score !== null || candidate.lost === null);
  return serving.slice(0, CANDIDATES_MAX).map((candidate) => candidate.modelKey);
}

/** Price of an outcome in USD, as the JSON number that goes into `usage.cost`. */
export function usdCostOf(context: RequestContext, creditsUsedMicros: bigint): number {
  const { usdPerCreditMicros } = filled(context.freeze, 'freeze');
  return Number(creditsUsedMicros * usdPerCreditMicros) / 1e12;
}
