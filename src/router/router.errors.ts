import { AppError } from '../platform/errors/index.js';
import type { Tier } from '../wallet/index.js';
import { candidateFactsOf } from './domain/candidate-facts.js';
import { LEFT_SANDBOX, TIER_NOT_ALLOWED } from './domain/candidates.js';
import type { Candidate } from './domain/model.js';

/** Something has to be read, or put right by an operator, first. */
const RETRY_AFTER_S = 5;
const OPERATOR_S = 30;
/** Different reasons that a hint names. */
const REASONS_SHOWN_MAX = 3;

/** 404: the model is unknown, or disabled, which a caller cannot tell apart. */
export function modelNotFound(name: string, inPool: 'missing' | 'disabled'): AppError {
  return new AppError(
    'model_not_found',
    `The model \`${shorten(name)}\` does not exist or you do not have access to it.`,
    {
      code: 'model_not_found',
      param: 'model',
      hint: 'GET /openai/v1/models lists the models that this key may call; `auto` picks one of them.',
      facts: { requested_model: shorten(name), in_pool: inPool },
    },
  );
}

/** 400: the caller wants something of `auto` that there is not. */
export function unknownKnob(name: string): AppError {
  return new AppError('invalid_request', `\`${shorten(name)}\` is no way of choosing`, {
    code: 'unknown_auto_knob',
    param: 'model',
    hint: 'Send `auto`, `auto:cheap`, `auto:best`, `auto:fast`, or `auto:` and a number from 0 (price alone) to 1 (quality alone).',
  });
}

/** 502: there is nothing to choose from at all. */
export function poolEmpty(): AppError {
  return new AppError('routing', 'the model pool is empty', {
    code: 'pool_empty',
    retryAfterS: OPERATOR_S,
    hint: 'No model is enabled; an operator has to enable one.',
    facts: { candidates: [], selected_model: null },
  });
}

/** 403: policy normally says so first. */
export function tierNotAllowed(): AppError {
  return new AppError('policy_rejected', 'requested tier is not allowed', { code: 'tier_not_allowed', param: 'model' });
}

/** 403: policy normally says so first. */
export function modelBlacklisted(): AppError {
  return new AppError('policy_rejected', 'model is not allowed for this key', {
    code: 'model_blacklisted',
    param: 'model',
  });
}

/**
 * 503: the model exists, but nothing that serves it can be called now.
 * @param readyInMs until the first endpoint may be called; `null` when the model has none.
 */
export function noHealthyEndpoint(name: string, candidate: Candidate, readyInMs: number | null): AppError {
  return new AppError('unavailable', `no provider endpoint of the model \`${shorten(name)}\` is available`, {
    code: 'no_healthy_endpoint',
    retryAfterS: readyInMs === null ? RETRY_AFTER_S : secondsOf(readyInMs),
    hint: 'Try again shortly, or send `"model": "auto"` to let the gateway pick another model.',
    facts: { candidates: candidateFactsOf([candidate]), selected_model: candidate.modelKey },
  });
}

/**
 * 503: models that could serve an `auto` request exist, but every one waits for its provider to recover; 429 when all of them
 * wait for nothing but the end of their providers' limits.
 * @param readyInMs until the first endpoint may be called.
 */
export function noneReady(candidates: readonly Candidate[], readyInMs: number, isLimitedOnly: boolean): AppError {
  const facts = { candidates: candidateFactsOf(candidates), selected_model: null };
  const retryAfterS = secondsOf(readyInMs);
  if (isLimitedOnly) {
    return new AppError('rate_limited', 'every provider of every suitable model is at its rate limit', {
      code: 'upstream_rate_limited',
      retryAfterS,
      hint: `Try again in ${String(retryAfterS)} s.`,
      facts,
    });
  }
  return new AppError('unavailable', 'no provider endpoint of any suitable model is available', {
    code: 'no_healthy_endpoint',
    retryAfterS,
    hint: 'Every suitable provider is failing at the moment; try again shortly.',
    facts,
  });
}

/** 502: `auto` found nothing that can serve the request. */
export function noCandidate(candidates: readonly Candidate[], allowedTiers: readonly Tier[]): AppError {
  return new AppError('routing', 'no model of the pool can serve this request', {
    code: 'no_candidate',
    retryAfterS: OPERATOR_S,
    hint: `${whyNone(candidates, allowedTiers)} The explanation of the request names the reason for every model.`,
    facts: { candidates: candidateFactsOf(candidates), selected_model: null },
  });
}

/** What keeps the models of the allowed tiers from serving, and what would help. */
function whyNone(candidates: readonly Candidate[], allowedTiers: readonly Tier[]): string {
  const tiers = `${allowedTiers.length === 1 ? 'Tier' : 'Tiers'} ${allowedTiers.join(', ')} `;
  const has = allowedTiers.length === 1 ? 'has' : 'have';
  const reasons = candidates.flatMap(({ lost }) => (lost === null || lost === TIER_NOT_ALLOWED ? [] : [lost]));
  const others = reasons.filter((reason) => reason !== LEFT_SANDBOX);
  if (reasons.length === 0) return `${tiers}${has} no enabled model: allow another tier, or have one enabled.`;
  if (others.length === 0) {
    return `${tiers}${has} no enabled model but the sandbox, which left \`auto\` when a real model was enabled: allow another tier, name a sandbox model, or have a real model enabled.`;
  }
  const shown = [...new Set(others)].slice(0, REASONS_SHOWN_MAX).join('; ');
  return `Of the models of ${tiers.toLowerCase().trim()}: ${shown}. Allow another tier, or ask for less.`;
}

/** 502: a fault of the router itself. */
export function routerFailed(cause: unknown): AppError {
  return new AppError('routing', 'the router failed', {
    code: 'router_failed',
    retryAfterS: RETRY_AFTER_S,
    hint: 'Report the request id to the operator.',
    detail: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
    cause,
  });
}

/** 502: the pool has not been read from the database yet. */
export function poolNotLoaded(): AppError {
  return new AppError('routing', 'the model pool is not loaded', {
    code: 'pool_not_loaded',
    retryAfterS: RETRY_AFTER_S,
  });
}

function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}

/** Callers choose the name: keep what is echoed short and on one line. */
function shorten(name: string): string {
  const line = name.replace(/[^\x20-\x7e]|`/g, '?');
  return line.length > 128 ? `${line.slice(0, 128)}…` : line;
}

/** 404 of the administration. */
export function noSuch(what: 'model' | 'endpoint' | 'price'): AppError {
  return new AppError('not_found', `${what} not found`, { code: `${what}_not_found` });
}

/** 409: another row has the name. */
export function taken(param: string, message: string): AppError {
  return new AppError('conflict', message, { code: 'name_taken', param });
}

/** 422: a field of an administrative write has a value that cannot be taken. */
export function invalidField(param: string, message: string): AppError {
  return new AppError('unprocessable', `${param}: ${message}`, { code: 'invalid_field', param });
}

/** 422: a field names something that does not exist. */
export function unknownReference(param: string, what: string): AppError {
  return new AppError('unprocessable', `${param} names no ${what}`, { code: 'unknown_reference', param });
}

/** 422: a call without a price would be a free call. */
export function priceRequired(): AppError {
  return new AppError('unprocessable', 'a model without a price cannot be enabled', {
    code: 'price_required',
    param: 'enabled',
    hint: 'Set customer_input_mtok and customer_output_mtok.',
  });
}

/** 409: what is in force, or about to be, has been or can be what requests are priced with. */
export function priceInForce(): AppError {
  return new AppError('conflict', 'only a price that comes into force later can be taken back', {
    code: 'price_in_force',
    hint: 'Add a version with the rates that should be in force instead.',
  });
}
