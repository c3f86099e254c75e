import type { AppError, ErrorDoor, ErrorKind, RenderedError } from '../../platform/errors/index.js';
import { errorHeaders } from '../errors/openai-errors.js';

/** What every failure of the backend says, whatever its cause. */
const BACKEND_DOWN = { status: 503, message: 'admin-bff not available' };

/** The one table from the kind of an error to the status of the catalogue door; the code is the status and `00`. */
export const CATALOG_STATUSES: Readonly<Record<ErrorKind, number>> = {
  invalid_request: 400,
  unprocessable: 400,
  conflict: 409,
  precondition_failed: 412,
  missing_api_key: 401,
  unauthorized: 401,
  insufficient_quota: 402,
  invalid_api_key: 403,
  forbidden: 403,
  policy_rejected: 403,
  not_found: 404,
  model_not_found: 404,
  method_not_allowed: 405,
  rate_limited: 429,
  stream_error: 500,
  internal: 500,
  routing: BACKEND_DOWN.status,
  upstream_failed: BACKEND_DOWN.status,
  unavailable: BACKEND_DOWN.status,
  deadline: BACKEND_DOWN.status,
};

/** Errors of `/api/v1`: `{"code":40400,"message":"…"}`. */
export const catalogErrorDoor: ErrorDoor = {
  prefix: '/api/v1',
  render(error: AppError): RenderedError {
    const status = CATALOG_STATUSES[error.kind];
    const message = status === BACKEND_DOWN.status ? BACKEND_DOWN.message : error.message;
    return {
      status,
      contentType: 'application/json; charset=utf-8',
      headers: errorHeaders(error),
      body: { code: status * 100, message },
    };
  },
};
