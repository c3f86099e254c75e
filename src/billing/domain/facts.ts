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
  }));
}

/** A rescue as explanations and answers show it. */
export function rescueFactsOf(rescued: Rescue | null): Record<string, unknown> | null {
  return rescued === null ? null : { from: rescued.from, to: rescued.to, after_chars: rescued.afterChars };
}
