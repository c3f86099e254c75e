import { formatDecimal } from '../../platform/money/index.js';
import type { Attempt, Rescue } from '../../provider/index.js';

/** The provider attempts of a request as explanations show them. */
export function attemptFactsOf(attempts: readonly Attempt[]): Record<string, unknown>[] {
  return attempts.map((attempt) => ({
    endpoint_id: attempt.endpointId,
    provider: attempt.provider,
    upstream_model: attempt.upstreamModel,
    status: attempt.status,
    ms: attempt.durationMs,
    error_class: attempt.failure,
    reason: attempt.reason,
    ...usageFactsOf(attempt),
    ...(attempt.lostChunks === undefined ? {} : { lost_chunks: attempt.lostChunks }),
  }));
}

/** What an attempt used that another one had to go on with. */
function usageFactsOf({ usage, costUsdMicros }: Attempt): Record<string, unknown> {
  if (usage === undefined) return {};
  return {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cached_input_tokens: usage.cachedInputTokens,
    cached_output_tokens: usage.cachedOutputTokens,
    provider_cost_usd: formatDecimal(BigInt(costUsdMicros ?? 0)),
  };
}

/** A rescue as explanations and answers show it. */
export function rescueFactsOf(rescued: Rescue | null): Record<string, unknown> | null {
  return rescued === null ? null : { from: rescued.from, to: rescued.to, after_chars: rescued.afterChars };
}
