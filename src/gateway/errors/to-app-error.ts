import { HttpException, NotFoundException } from '@nestjs/common';
import { outageOf } from '../../platform/database/index.js';
import { AppError, type ErrorCode } from '../../platform/errors/index.js';

/** Turns whatever was thrown into the one error family; what nobody foresaw becomes opaque. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof NotFoundException) return new AppError('not_found', 'no such endpoint', { code: 'not_found' });
  const outage = outageOf(thrown);
  if (outage !== null) return outage;
  const status = statusOf(thrown);
  if (status === 413) return badRequest('the request body is too large', 'body_too_large', thrown);
  if (status !== null && status >= 400 && status < 500) {
    return badRequest('the request could not be read', 'invalid_request', thrown);
  }
  return new AppError('internal', 'internal error', {
    code: 'internal_error',
    hint: 'Report the request id to the operator.',
    detail: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
    cause: thrown,
  });
}

/** Status that Nest or Fastify gave an error of their own. */
function statusOf(thrown: unknown): number | null {
  if (thrown instanceof HttpException) return thrown.getStatus();
  const status = thrown instanceof Error && 'statusCode' in thrown ? thrown.statusCode : null;
  return typeof status === 'number' ? status : null;
}

function badRequest(message: string, code: ErrorCode, cause: unknown): AppError {
  return new AppError('invalid_request', message, { code, cause, detail: String(cause) });
}
