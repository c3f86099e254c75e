import type { ErrorKind } from '../../platform/errors/index.js';
import type { ProblemCode } from './problem-codes.js';

export interface ProblemClass {
  status: number;
  title: string;
  /** Used when the error itself carries no code. */
  code: ProblemCode;
}

const CALLER_FAULT: ProblemClass = { status: 400, title: 'Invalid request', code: 'validation_failed' };
const UNAUTHORIZED: ProblemClass = { status: 401, title: 'Unauthorized', code: 'unauthorized' };
const FORBIDDEN: ProblemClass = { status: 403, title: 'Forbidden', code: 'forbidden' };
const NOT_FOUND: ProblemClass = { status: 404, title: 'Not found', code: 'not_found' };
const CONFLICT: ProblemClass = { status: 409, title: 'Conflict', code: 'conflict' };
const INTERNAL: ProblemClass = { status: 500, title: 'Internal error', code: 'internal_error' };
const UPSTREAM: ProblemClass = { status: 502, title: 'Upstream failed', code: 'upstream_failed' };

/** The one place of this door that turns a kind of error into a status. */
export const PROBLEM_BY_KIND: Readonly<Record<ErrorKind, ProblemClass>> = {
  invalid_request: CALLER_FAULT,
  unauthorized: UNAUTHORIZED,
  missing_api_key: UNAUTHORIZED,
  forbidden: FORBIDDEN,
  invalid_api_key: FORBIDDEN,
  policy_rejected: FORBIDDEN,
  not_found: NOT_FOUND,
  model_not_found: NOT_FOUND,
  method_not_allowed: { status: 405, title: 'Method not allowed', code: 'method_not_allowed' },
  conflict: CONFLICT,
  precondition_failed: { status: 412, title: 'Precondition failed', code: 'precondition_failed' },
  insufficient_quota: CONFLICT,
  unprocessable: { status: 422, title: 'Unprocessable', code: 'unprocessable' },
  rate_limited: { status: 429, title: 'Too many requests', code: 'rate_limited' },
  stream_error: INTERNAL,
  internal: INTERNAL,
  routing: UPSTREAM,
  upstream_failed: UPSTREAM,
  unavailable: { status: 503, title: 'Unavailable', code: 'unavailable' },
  deadline: { status: 504, title: 'Deadline passed', code: 'deadline' },
};
