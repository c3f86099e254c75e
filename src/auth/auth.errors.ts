import { AppError } from '../platform/errors/index.js';
import type { Tier } from '../wallet/index.js';
import { effectiveStatus, type KeyEntry, type KeyProblem } from './domain/key-verdict.js';

const PROBLEM_TEXT: Readonly<Record<KeyProblem, readonly [message: string, hint: string]>> = {
  disabled: ['api key is disabled', 'Ask an administrator to enable the key, or use another one.'],
  revoked: ['api key is revoked', 'A revoked key stays so; ask an administrator for a new one.'],
  expired: ['api key is expired', 'Ask an administrator to move its expiry, or use another key.'],
  rotated_out: ['api key was rotated and the old secret is no longer valid', 'Use the new secret of this key.'],
  owner_suspended: ['account of the api key is suspended', 'Ask an administrator to reactivate the account.'],
  owner_closed: ['account of the api key is closed', 'Use a key of another account.'],
  billing_suspended: ['billing account of the api key is suspended', 'Ask an administrator to reactivate the account.'],
  billing_closed: ['billing account of the api key is closed', 'Use a key that another account pays for.'],
  owner_not_member: [
    'owner of the api key is no longer a member of the organization that pays',
    'Ask an administrator to add the owner to the organization again.',
  ],
};

/** What the explanation of a request says about its key. */
export interface KeyFacts extends Record<string, unknown> {
  valid: boolean;
  key_status: string | null;
  api_key_id: string | null;
  tier: Tier | null;
}

/** 401: no key in either header. */
export function missingApiKey(): AppError {
  return new AppError('missing_api_key', 'missing api key', {
    code: 'missing_api_key',
    hint: 'Send `Authorization: Bearer <key>` or `X-API-Key: <key>`.',
    facts: { valid: false, key_status: null, api_key_id: null, tier: null } satisfies KeyFacts,
  });
}

/** 403 for a text that is no key of this gateway; says nothing else. */
export function unknownApiKey(): AppError {
  return new AppError('invalid_api_key', 'invalid api key', {
    code: 'invalid_api_key',
    hint: 'Check that the key was copied whole and belongs to this gateway.',
    facts: { valid: false, key_status: null, api_key_id: null, tier: null } satisfies KeyFacts,
  });
}

/** 403 for a known key that does not pass; only the holder of its secret can get here, so it may be told why. */
export function refusedApiKey(problem: KeyProblem, entry: KeyEntry, nowMs: number): AppError {
  const [message, hint] = PROBLEM_TEXT[problem];
  return new AppError('invalid_api_key', message, {
    code: 'invalid_api_key',
    hint,
    facts: {
      valid: false,
      key_status: effectiveStatus(entry.key, nowMs),
      api_key_id: entry.key.id,
      tier: entry.key.tier,
      problem,
    } satisfies KeyFacts,
  });
}

/** 503 when too many unknown keys are looked up at once. */
export function keyLookupsExhausted(): AppError {
  return new AppError('unavailable', 'the service is temporarily unavailable', {
    code: 'key_lookup_busy',
    retryAfterS: 1,
    detail: 'too many look-ups of unknown api keys at once',
  });
}

export function apiKeyNotFound(): AppError {
  return new AppError('not_found', 'api key not found', { code: 'api_key_not_found' });
}

export function accountNotFound(): AppError {
  return new AppError('not_found', 'account not found', { code: 'account_not_found' });
}

export function memberNotFound(): AppError {
  return new AppError('not_found', 'the account is not a member of this organization', { code: 'member_not_found' });
}

/** 422: a field of an administrative write has a value that cannot be taken. */
export function invalidField(param: string, message: string): AppError {
  return new AppError('unprocessable', message, { code: 'invalid_field', param });
}

/** 422: a field names something that does not exist. */
export function unknownReference(param: string, what: string): AppError {
  return new AppError('unprocessable', `${param} names no ${what}`, { code: 'unknown_reference', param });
}

/** 422: keys are paid by their owner or by an organization that the owner belongs to. */
export function billingAccountNotAllowed(): AppError {
  return new AppError(
    'unprocessable',
    'billing_account_id must be the owner itself or an organization that the owner belongs to',
    {
      code: 'billing_account_not_allowed',
      param: 'billing_account_id',
      hint: 'Add the owner to the organization first: POST /admin/v1/accounts/{id}/members.',
    },
  );
}

/** 409: revoking is final. */
export function keyIsRevoked(): AppError {
  return new AppError('conflict', 'a revoked key cannot be changed', {
    code: 'api_key_revoked',
    hint: 'Create a new key instead.',
  });
}

/** 409: every older secret that still passes is one more to lose. */
export function tooManySecrets(secretsMax: number): AppError {
  return new AppError('conflict', `${secretsMax} secrets of this key are in their grace time`, {
    code: 'too_many_secrets',
    hint: 'Wait for one to end, or rotate with grace_seconds 0, which ends them all.',
  });
}

/** 409: an account with credits, free or frozen, cannot be closed. */
export function accountHasBalance(): AppError {
  return new AppError('conflict', 'an account that still holds credits cannot be closed', {
    code: 'account_not_empty',
    hint: 'Adjust all wallets to zero first; frozen credits end with their requests.',
  });
}

export function missingAdminToken(): AppError {
  return new AppError('unauthorized', 'missing admin token', {
    code: 'missing_admin_token',
    hint: 'Send `Authorization: Bearer <admin token>`.',
  });
}

export function invalidAdminToken(): AppError {
  return new AppError('unauthorized', 'invalid admin token', { code: 'invalid_admin_token' });
}

export function adminTokenNotFound(): AppError {
  return new AppError('not_found', 'admin token not found', { code: 'admin_token_not_found' });
}

/** 409: revoking is final. */
export function adminTokenRevoked(): AppError {
  return new AppError('conflict', 'a revoked admin token cannot be changed', {
    code: 'admin_token_revoked',
    hint: 'Create a new one instead.',
  });
}

/** 409: somebody must be able to administer, now and later. */
export function lastOwner(): AppError {
  return new AppError('conflict', 'this is the last owner token; without it nobody could administer', {
    code: 'last_owner',
    hint: 'Create another owner token without expires_at first, or set ADMIN_TOKEN.',
  });
}
