import type { AppError, ErrorDoor, ErrorKind, RenderedError, RequestIds } from '../../platform/errors/index.js';

interface WireError {
  status: number;
  type: string;
}

/** The one table from the kind of an error to the status and `type` of the OpenAI-compatible door. */
export const OPENAI_ERRORS: Readonly<Record<ErrorKind, WireError>> = {
  invalid_request: { status: 400, type: 'invalid_request_error' },
  unprocessable: { status: 400, type: 'invalid_request_error' },
  conflict: { status: 400, type: 'invalid_request_error' },
  precondition_failed: { status: 400, type: 'invalid_request_error' },
  missing_api_key: { status: 401, type: 'missing_api_key' },
  unauthorized: { status: 401, type: 'missing_api_key' },
  insufficient_quota: { status: 402, type: 'insufficient_quota' },
  invalid_api_key: { status: 403, type: 'invalid_api_key' },
  forbidden: { status: 403, type: 'invalid_api_key' },
  policy_rejected: { status: 403, type: 'policy_rejected' },
  not_found: { status: 404, type: 'not_found' },
  model_not_found: { status: 404, type: 'model_not_found' },
  method_not_allowed: { status: 405, type: 'method_not_allowed' },
  rate_limited: { status: 429, type: 'rate_limit_exceeded' },
  stream_error: { status: 500, type: 'stream_error' },
  internal: { status: 500, type: 'internal_error' },
  routing: { status: 502, type: 'routing_error' },
  upstream_failed: { status: 502, type: 'upstream_error' },
  unavailable: { status: 503, type: 'upstream_error' },
  deadline: { status: 504, type: 'upstream_error' },
};

/** The `error` object of the wire; also what a broken stream ends with. */
export function openAiErrorBody(error: AppError, ids: RequestIds): { error: Record<string, unknown> } {
  return {
    error: {
      message: error.message,
      type: OPENAI_ERRORS[error.kind].type,
      code: error.code,
      param: error.param ?? null,
      request_id: ids.requestId,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    },
  };
}

/** Headers that an error brings along whatever the door. */
export function errorHeaders(error: AppError): Record<string, string> {
  return {
    ...(error.retryAfterS === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(error.retryAfterS))) }),
    ...(error.allow === undefined ? {} : { allow: error.allow }),
    ...(OPENAI_ERRORS[error.kind].status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  };
}

/** Errors in the shape that OpenAI clients read; also used where no other door is responsible. */
export const openAiErrorDoor: ErrorDoor = {
  prefix: '/',
  render(error: AppError, ids: RequestIds): RenderedError {
    return {
      status: OPENAI_ERRORS[error.kind].status,
      contentType: 'application/json; charset=utf-8',
      headers: errorHeaders(error),
      body: openAiErrorBody(error, ids),
    };
  },
};
