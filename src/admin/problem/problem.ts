import type { AppError, ErrorDoor, RenderedError, RequestIds } from '../../platform/errors/index.js';
import { PROBLEM_BY_KIND, type ProblemClass } from './problem-table.js';
import { ValidationError, type Fault } from './validation-error.js';

/** An error document of RFC 9457. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  request_id: string;
  hint?: string;
  errors?: readonly Fault[];
}

const PROBLEM_CONTENT_TYPE = 'application/problem+json; charset=utf-8';
const OPAQUE_DETAIL = 'something unforeseen happened';

/** Errors of everything under `/admin/v1` as problem documents; what nobody foresaw stays opaque. */
export const adminErrorDoor: ErrorDoor = {
  prefix: '/admin/v1',
  render(error: AppError, ids: RequestIds): RenderedError {
    const problemClass = PROBLEM_BY_KIND[error.kind];
    return {
      status: problemClass.status,
      contentType: PROBLEM_CONTENT_TYPE,
      headers: headersOf(error, problemClass),
      body: problemOf(error, problemClass, ids.requestId),
    };
  },
};

function problemOf(error: AppError, problemClass: ProblemClass, requestId: string): Problem {
  const code = error.code ?? problemClass.code;
  return {
    type: `urn:joytoken:problem:${code}`,
    title: problemClass.title,
    status: problemClass.status,
    detail: problemClass.status === 500 ? OPAQUE_DETAIL : error.message,
    code,
    request_id: requestId,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...faultList(error),
  };
}

/** Validation names all its faults; a module that refuses one field names that one. */
function faultList(error: AppError): { errors?: readonly Fault[] } {
  if (error instanceof ValidationError) return { errors: error.faults };
  if (error.param === undefined) return {};
  return { errors: [{ path: error.param, code: error.code ?? error.kind, message: error.message }] };
}

function headersOf(error: AppError, problemClass: ProblemClass): Record<string, string> {
  return {
    'cache-control': 'no-store',
    ...(problemClass.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    ...(error.allow === undefined ? {} : { allow: error.allow }),
    ...(error.retryAfterS === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(error.retryAfterS))) }),
  };
}
