import { Injectable } from '@nestjs/common';
import type { Outcome } from '../../billing/index.js';
import { EndpointSpeeds, RoutingSums, type Route } from '../../router/index.js';
import { filled, type RequestContext } from '../pipeline/context.js';

const MICROS = 1e6;
/** Ends that were no failure: the caller left, its money ran out, or the answer was as long as it may be. */
const ANSWERED: ReadonlySet<string> = new Set([
  'complete',
  'quota_stop',
  'maximum_exceeded',
  'caller_gone',
  'free_hangup',
]);

/** Tells the router what became of its choice: how fast the endpoint was, and what the request came to. */
@Injectable()
export class RoutingFeedback {
  constructor(
    private readonly speeds: EndpointSpeeds,
    private readonly sums: RoutingSums,
  ) {}

  /** Counts one ended call, in memory. */
  note(context: RequestContext, outcome: Outcome): void {
    const firstTokenMs = context.body?.stream === true ? outcome.firstTokenMs : null;
    const { endpointId, durationMs, reason, rescued } = outcome;
    const { outputTokens, inputTokens, cachedInputTokens, cachedOutputTokens } = outcome.usage;
    if (endpointId !== null && reason === 'complete' && rescued === null) {
      this.speeds.observe({ endpointId, firstTokenMs, durationMs, outputTokens });
    }
    const { route } = context;
    if (route === null || route.decision === null) return;
    this.sums.note({
      group: route.decision.group,
      kind: route.decision.kind,
      modelKey: route.model.modelKey,
      usd: usdOf(outcome, filled(context.freeze, 'freeze').usdPerCreditMicros),
      providerUsd: Number(outcome.providerCostUsdMicros) / MICROS,
      estimatedUsd: estimateOf(route, route.model.modelKey),
      routersEstimatedUsd: estimateOf(route, route.decision.routersChoice),
      inputTokens: inputTokens + cachedInputTokens + cachedOutputTokens,
      outputTokens,
      durationMs,
      firstTokenMs,
      finishReason: outcome.reason === 'complete' ? context.finishReason : outcome.reason,
      failure: ANSWERED.has(reason) ? null : (context.attempts.at(-1)?.failure ?? reason),
    });
  }
}

function usdOf({ disposition, creditsUsedMicros }: Outcome, usdPerCreditMicros: bigint): number {
  return disposition === 'charge' ? Number(BigInt(creditsUsedMicros) * usdPerCreditMicros) / MICROS / MICROS : 0;
}

function estimateOf({ candidates }: Route, modelKey: string): number {
  return candidates.find((candidate) => candidate.modelKey === modelKey)?.weighed?.usd ?? 0;
}
