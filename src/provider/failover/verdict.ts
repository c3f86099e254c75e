import { AppError } from '../../platform/errors/index.js';
import type { Attempt } from '../domain/call.js';
import { CONTEXT_LENGTH_CODE } from '../domain/context-length.js';
import type { UpstreamFailure } from '../domain/failure.js';
import {
  PROMPT_TOO_LONG,
  upstreamFailed,
  upstreamRateLimited,
  upstreamTimeout,
  upstreamUnavailable,
} from '../provider.errors.js';

const RETRY_AFTER_S_DEFAULT = 5;

export interface VerdictFacts {
  attempts: readonly Attempt[];
  /** Seconds that rate-limited endpoints asked for. */
  retryAfterS: readonly number[];
  /** Milliseconds until the first breaker lets a probe pass. */
  breakerWaitMs: number;
  isOutOfTime: boolean;
  cause: unknown;
}

/**
 * What the caller is told when no endpoint answered: out of time → 504; each at its limit → 503; each out of service →
 * 503; each too slow → 504; else 502. Contract §2.3.
 */
export function verdictOf({ attempts, retryAfterS, breakerWaitMs, isOutOfTime, cause }: VerdictFacts): AppError {
  if (isOutOfTime) return upstreamTimeout(attempts, cause);
  const failures = new Set(attempts.map(({ failure }) => failure));
  // A prompt that was too long for one, or a field that one has no word for, says nothing about the others.
  failures.delete('caller_fault');
  const tried = new Set([...failures].filter((failure) => failure !== 'breaker_open'));
  if (tried.size === 0) return upstreamUnavailable(attempts, Math.max(1, Math.ceil(breakerWaitMs / 1000)));
  if (tried.size === 1 && tried.has('rate_limited')) {
    // The caller can come back as soon as the first of them is ready.
    return upstreamRateLimited(attempts, Math.min(...(retryAfterS.length > 0 ? retryAfterS : [RETRY_AFTER_S_DEFAULT])));
  }
  if (tried.size === 1 && tried.has('timeout')) return upstreamTimeout(attempts, cause);
  return upstreamFailed(attempts, cause);
}

/** An upstream explains a refusal with parts of the request, now and then. */
const KEPT_MESSAGE = 'the provider refused this request and told the caller why';

/** The caller's own mistake, as the upstream explained it. */
export function callerFaultError(failure: UpstreamFailure, attempts: readonly Attempt[]): AppError {
  const { message, code, param } = failure.callerFault ?? {
    message: 'the provider refused this request',
    code: null,
    param: null,
  };
  return new AppError('invalid_request', message, {
    upstreamCode: failure.isContextLength ? (code ?? CONTEXT_LENGTH_CODE) : code,
    ...(param === null ? {} : { param }),
    keptMessage: KEPT_MESSAGE,
    facts: { attempts, ...(failure.isContextLength ? { [PROMPT_TOO_LONG]: true } : {}) },
  });
}
