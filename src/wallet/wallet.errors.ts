import { AppError } from '../platform/errors/index.js';
import { formatDecimal } from '../platform/money/index.js';

/** More callers wait for the wallet than it serves; nothing was tried for this one. */
export function walletOverloaded(): AppError {
  return new AppError('unavailable', 'the service is temporarily unavailable', {
    code: 'wallet_overloaded',
    retryAfterS: 1,
    detail: 'the queue of wallet operations is full',
  });
}

/** The database did not answer in time; whether the operation took effect is not known. */
export function walletTimedOut(waitMs: number): AppError {
  return new AppError('unavailable', 'the service is temporarily unavailable', {
    code: 'wallet_timeout',
    retryAfterS: 2,
    detail: `a wallet operation did not end within ${waitMs} ms`,
  });
}

export function accountMissing(): AppError {
  return new AppError('not_found', 'no such account', { code: 'account_not_found' });
}

export function accountClosed(): AppError {
  return new AppError('conflict', 'the account is closed', { code: 'account_closed' });
}

export function idempotencyConflict(): AppError {
  return new AppError('conflict', 'the idempotency key was used for another change of this account', {
    code: 'idempotency_conflict',
    hint: 'Use a new Idempotency-Key for a new change.',
  });
}

export function adjustmentTooLarge(availableMicros: bigint): AppError {
  return new AppError('unprocessable', 'the adjustment is larger than the available balance', {
    code: 'insufficient_balance',
    param: 'amount',
    hint: `Only ${formatDecimal(availableMicros)} credits are available.`,
  });
}

export function amountOutOfRange(): AppError {
  return new AppError('unprocessable', 'the balance would leave the range that can be kept', {
    code: 'amount_out_of_range',
    param: 'amount',
  });
}
