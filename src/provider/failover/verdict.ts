import { AppError } from '../../platform/errors/index.js';
import type { Attempt } from '../domain/call.js';
import { CONTEXT_LENGTH_CODE } from '../domain/context-length.js';
import type { Endpoint } from '../domain/endpoint.js';
import type { UpstreamFailure } from '../domain/failure.js';
import {
  PROMPT_TOO_LONG,
  upstreamFailed,
  upstreamRateLimited,
  upstreamTimeout,
  upstreamUnavailable,
} from '../provider.errors.js';

/** A wrong key or name: an operator has to act first. */
const OPERATOR_MS = 30_000;

/** One endpoint of a call, and how a try there failed. */
export interface FailedEndpoint {
  endpoint: Endpoint;
  failure: UpstreamFailure;
}

export interface VerdictFacts {
  attempts: readonly Attempt[];
  /** The tries of this call, in order; an endpoint that was tried twice is there twice. */
  failed: readonly FailedEndpoint[];
  /** Milliseconds until the breakers of the model's other endpoints end, which were not tried. */
  othersWaitMs: readonly number[];
  isOutOfTime: boolean;
  /** Milliseconds until the breaker of an endpoint lets a call pass and its limit is over. */
  readyInMs: (endpoint: Endpoint) => number;
}

/**
 * What the caller is told when no endpoint answered: out of time → 504; each at its limit → 429; each out of service, or at
 * its limit while another is broken → 503; each too slow → 504; else 502. All say when the first endpoint is ready again.
 * Contract §2.3.
 */
export function verdictOf({ attempts, failed, othersWaitMs, isOutOfTime, readyInMs }: VerdictFacts): AppError {
  const cause = failed.at(-1)?.failure;
  // A prompt that was too long for one, or a field that one adapter lacks, says nothing about the others.
  const ends = failed.filter(({ failure }) => failure.failure !== 'caller_fault');
  const waitsMs = ends.map(({ endpoint, failure }) =>
    failure.failure === 'operator_fault' ? OPERATOR_MS : readyInMs(endpoint),
  );
  waitsMs.push(...othersWaitMs);
  const retryAfterS = Math.max(1, Math.ceil(Math.min(...(waitsMs.length > 0 ? waitsMs : [0])) / 1000));
  if (isOutOfTime) return upstreamTimeout(attempts, retryAfterS, cause);
  const classes = new Set(ends.map(({ failure }) => failure.failure));
  if (othersWaitMs.length > 0) classes.add('breaker_open');
  const isLimited = classes.delete('rate_limited');
  if (isLimited && classes.size === 0) return upstreamRateLimited(attempts, retryAfterS);
  const isShut = classes.delete('breaker_open');
  if (isLimited || (isShut && classes.size === 0)) return upstreamUnavailable(attempts, retryAfterS);
  if (classes.size === 1 && classes.has('timeout')) return upstreamTimeout(attempts, retryAfterS, cause);
  return upstreamFailed(attempts, retryAfterS, cause);
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
