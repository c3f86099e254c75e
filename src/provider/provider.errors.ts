import { AppError } from '../platform/errors/index.js';
import type { Attempt } from './domain/call.js';

/** The caller hung up before the answer began or while it ran. Nobody is left to answer: not an `AppError`. */
export class CallerGoneError extends Error {
  override readonly name = 'CallerGoneError';
  constructor(readonly attempts: readonly Attempt[] = []) {
    super('the caller has gone');
  }
}

/** The fact by which such an error is known. */
export const PROMPT_TOO_LONG = 'prompt_too_long';

/** The attempts that led to an error of `ProviderService.call` or of a broken stream; empty for any other error. */
export function attemptsOf(error: unknown): readonly Attempt[] {
  if (error instanceof CallerGoneError) return error.attempts;
  if (error instanceof AppError && Array.isArray(error.facts?.['attempts'])) {
    return error.facts['attempts'] as readonly Attempt[];
  }
  return [];
}

/** Whether a call failed because its prompt is longer than every endpoint's context. */
export function isPromptTooLong(error: unknown): boolean {
  return error instanceof AppError && error.facts?.[PROMPT_TOO_LONG] === true;
}

/** Every endpoint failed. 502 with `Retry-After`. */
export function upstreamFailed(attempts: readonly Attempt[], retryAfterS: number, cause?: unknown): AppError {
  return new AppError('upstream_failed', 'no provider could answer this request', {
    code: 'upstream_failed',
    hint: 'Try again; if it keeps failing, give the request id to the operator.',
    detail: describeAttempts(attempts),
    retryAfterS,
    facts: { attempts },
    cause,
  });
}

/** Every endpoint is at its provider's limit. 429 with `Retry-After`. */
export function upstreamRateLimited(attempts: readonly Attempt[], retryAfterS: number): AppError {
  return new AppError('rate_limited', 'every provider of this model is at its rate limit', {
    code: 'upstream_rate_limited',
    hint: `Try again in ${String(retryAfterS)} s.`,
    detail: describeAttempts(attempts),
    retryAfterS,
    facts: { attempts },
  });
}

/** Every endpoint is left alone, and not only for its limit. 503 with `Retry-After`. */
export function upstreamUnavailable(attempts: readonly Attempt[], retryAfterS: number): AppError {
  return new AppError('unavailable', 'every provider of this model is out of service', {
    code: 'upstream_unavailable',
    hint: `Try again in ${String(retryAfterS)} s.`,
    detail: describeAttempts(attempts),
    retryAfterS,
    facts: { attempts },
  });
}

/** No answer in time. 504 with `Retry-After`. */
export function upstreamTimeout(attempts: readonly Attempt[], retryAfterS: number, cause?: unknown): AppError {
  return new AppError('deadline', 'the provider did not answer in time', {
    code: 'upstream_timeout',
    hint: 'Try again, with a smaller request if that is possible.',
    detail: describeAttempts(attempts),
    retryAfterS,
    facts: { attempts },
    cause,
  });
}

/** A stream broke after its first content and nobody could continue it truthfully. */
export function streamBroken(attempts: readonly Attempt[], timedOut: boolean, cause?: unknown): AppError {
  return new AppError(timedOut ? 'deadline' : 'upstream_failed', 'the answer broke off and could not be continued', {
    code: 'stream_broken',
    hint: 'What arrived is incomplete; send the request again.',
    detail: describeAttempts(attempts),
    facts: { attempts },
    cause,
  });
}

/** `acme: http_503 (120 ms), beta: timeout_headers (60000 ms)`; for logs and the operator. */
export function describeAttempts(attempts: readonly Attempt[]): string {
  return attempts
    .map(({ provider, reason, durationMs }) => `${provider}: ${reason ?? 'served'} (${String(durationMs)} ms)`)
    .join(', ');
}
