/**
 * Codes that this door itself raises, with what they mean; `docs/errors.md` lists the same. Codes of the modules travel
 * through unchanged.
 */
export const PROBLEM_CODES = {
  validation_failed: 'The body, the query or a header is not as documented; `errors` names every fault.',
  invalid_json: 'The body is not JSON.',
  body_too_large: 'The body is larger than 1 MiB.',
  idempotency_key_required: 'This operation moves money and needs an `Idempotency-Key` header.',
  unauthorized: 'The admin token is missing, unknown, expired or revoked.',
  forbidden: 'The role of the admin token does not allow this operation.',
  not_found: 'There is no such route or no such resource.',
  method_not_allowed: 'The route exists with other methods; the `Allow` header lists them.',
  conflict: 'The resource is in a state that does not allow this change, or another one has the same unique name.',
  precondition_failed: 'The resource is not in the state that `If-Match` names.',
  idempotency_key_reused: 'The `Idempotency-Key` was used before with another operation or body.',
  idempotency_in_progress: 'A request with the same `Idempotency-Key` is still running.',
  verification_in_progress: 'Another verification of the ledger is still running in this process.',
  unprocessable: 'The request is well formed but refers to something that cannot be used so.',
  rate_limited: 'Too many requests; retry after the seconds in `Retry-After`.',
  upstream_failed: 'A provider could not be reached or refused.',
  unavailable: 'A dependency is down; retry after the seconds in `Retry-After`.',
  deadline: 'A dependency did not answer in time.',
  internal_error: 'Unforeseen; the log has the details under the `request_id`.',
} as const;

export type ProblemCode = keyof typeof PROBLEM_CODES;
