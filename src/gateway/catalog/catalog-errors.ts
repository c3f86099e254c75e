import type { AppError, ErrorDoor, ErrorKind, RenderedError } from '../../platform/errors/index.js';

interface CatalogError {
  status: number;
  /** `code` of the envelope: the status and two digits for kinds that share it. */
  code: number;
}

/** What every failure of the backend says, whatever its cause. */
const BACKEND_DOWN: CatalogError & { message: string } = {
  status: 503,
  code: 50300,
  message: 'admin-bff not available',
};

/** The one table from the kind of an error to the status and code of the catalogue door. */
export const CATALOG_ERRORS: Readonly<Record<ErrorKind, CatalogError>> = {
  invalid_request: { status: 400, code: 40000 },
  unprocessable: { status: 400, code: 40000 },
  conflict: { status: 409, code: 40900 },
  missing_api_key: { status: 401, code: 40100 },
  unauthorized: { status: 401, code: 40100 },
  insufficient_quota: { status: 402, code: 40200 },
  invalid_api_key: { status: 403, code: 40300 },
  forbidden: { status: 403, code: 40300 },
  policy_rejected: { status: 403, code: 40301 },
  not_found: { status: 404, code: 40400 },
  model_not_found: { status: 404, code: 40401 },
  method_not_allowed: { status: 405, code: 40500 },
  rate_limited: { status: 429, code: 42900 },
  stream_error: { status: 500, code: 50000 },
  internal: { status: 500, code: 50000 },
  routing: BACKEND_DOWN,
  upstream_failed: BACKEND_DOWN,
  unavailable: BACKEND_DOWN,
  deadline: BACKEND_DOWN,
};

/** Errors of `/api/v1`: `{"code":40400,"message":"…"}`. */
export const catalogErrorDoor: ErrorDoor = {
  prefix: '/api/v1',
  render(error: AppError): RenderedError {
    const { status, code } = CATALOG_ERRORS[error.kind];
    const message = code === BACKEND_DOWN.code ? BACKEND_DOWN.message : error.message;
    return {
      status,
      contentType: 'application/json; charset=utf-8',
      headers: {
        ...(error.retryAfterS === undefined
          ? {}
          : { 'retry-after': String(Math.max(1, Math.ceil(error.retryAfterS))) }),
        ...(error.allow === undefined ? {} : { allow: error.allow }),
      },
      body: { code, message },
    };
  },
};
