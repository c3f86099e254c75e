import { AppError, type AppErrorOptions } from '../platform/errors/index.js';

type Facts = Record<string, unknown>;

/** 403: an allowlist exists and does not hold the caller's address. */
export function ipNotAllowed(facts: Facts): AppError {
  return rejected('client ip is not allowed', {
    code: 'ip_not_allowed',
    hint: 'This key may only be used from certain addresses; call from one of them or ask an administrator.',
    facts,
  });
}

/** 403: the blocklist holds the caller's address. */
export function ipBlocked(facts: Facts): AppError {
  return rejected('client ip is blocked', {
    code: 'ip_blocked',
    hint: 'This key may not be used from this address; call from another one or ask an administrator.',
    facts,
  });
}

/** 403: the request names a tier that does not exist or that policy and key leave out, or no tier is left. */
export function tierNotAllowed(param: 'tier' | 'model', hint: string, facts: Facts): AppError {
  return rejected('requested tier is not allowed', { code: 'tier_not_allowed', param, hint, facts });
}

/** 403: the key is bound to one model and the request names another. */
export function fixedModelOnly(facts: Facts): AppError {
  return rejected("model differs from the key's fixed model", {
    code: 'fixed_model',
    param: 'model',
    hint: 'Leave `model` out or send `auto`: this key always uses its own model.',
    facts,
  });
}

/** 403: the blacklist of the policy covers the model. */
export function modelBlacklisted(facts: Facts): AppError {
  return rejected('model is not allowed for this key', {
    code: 'model_blacklisted',
    param: 'model',
    hint: 'Use another model or `auto`; GET /openai/v1/models lists what this key may call.',
    facts,
  });
}

/** 503: what the key's policy says is not known, so nothing is allowed. */
export function policyUnusable(policyId: string, detail: string): AppError {
  return new AppError('unavailable', 'the policy of this key cannot be applied at the moment', {
    code: 'policy_unusable',
    retryAfterS: 1,
    hint: 'Retry; if it lasts, ask an administrator to save the policy of this key again.',
    detail,
    facts: { policy_id: policyId },
  });
}

/** 402: the window's limit of the key is used up. */
export function quotaUsedUp(window: 'daily' | 'weekly', resetsAt: Date, facts: Facts): AppError {
  return new AppError('insufficient_quota', `${window} quota of this api key is used up`, {
    code: `${window}_quota_exceeded`,
    hint: `The ${window} quota starts again at ${resetsAt.toISOString()}; an administrator can raise it.`,
    facts,
  });
}

export function policyNotFound(): AppError {
  return new AppError('not_found', 'policy not found', { code: 'policy_not_found' });
}

/** 409: keys or accounts still use the policy. */
export function policyInUse(): AppError {
  return new AppError('conflict', 'the policy is in use by api keys or accounts', {
    code: 'policy_in_use',
    hint: 'Give those another policy first.',
  });
}

/** 422: a field of a policy has a value that cannot be taken. */
export function invalidPolicyField(param: string, message: string): AppError {
  return new AppError('unprocessable', message, { code: 'invalid_field', param });
}

function rejected(message: string, options: AppErrorOptions): AppError {
  return new AppError('policy_rejected', message, options);
}
