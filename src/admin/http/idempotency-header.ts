import { AppError } from '../../platform/errors/index.js';
import { ValidationError } from '../problem/validation-error.js';
import type { AdminRequest } from './admin-request.js';
import type { WriteSpec } from './admin-operation.js';

const KEY_PATTERN = /^[\x20-\x7e]{1,255}$/;

/**
 * The `Idempotency-Key` of a write; `null` when there is none and none is needed.
 * @throws AppError `idempotency_key_required`, or ValidationError when it is not 1–255 printable ASCII characters.
 */
export function idempotencyKeyOf(request: AdminRequest, write: WriteSpec): string | null {
  const header = request.headers['idempotency-key'];
  if (header === undefined || header === '') {
    if (write.idempotencyKey !== 'required') return null;
    throw new AppError('invalid_request', 'this operation needs an Idempotency-Key header', {
      code: 'idempotency_key_required',
      hint: 'send a new random key with every new operation, and the same one when you repeat it',
    });
  }
  if (typeof header === 'string' && KEY_PATTERN.test(header)) return header;
  const message = 'must be 1 to 255 printable ASCII characters';
  throw new ValidationError([{ path: 'Idempotency-Key', code: 'invalid_header', message }]);
}

/**
 * The key of an operation that needs one.
 * @throws AppError `idempotency_key_required`.
 */
export function requiredIdempotencyKey(request: AdminRequest): string {
  return idempotencyKeyOf(request, { action: '', idempotencyKey: 'required' }) ?? '';
}
