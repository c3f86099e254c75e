import { AppError } from '../errors/index.js';

/** SQLSTATEs that tell of the server: connection, operator, time-out, start-up, too many clients, no connections allowed. */
const OUTAGE_STATES = /^(08|57|53300$|55000$)/;
const SQLSTATE_PATTERN = /^[0-9A-Z]{5}$/;
const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
/** What the driver and its pool say without a code. */
const CONNECTION_MESSAGES =
  /connection terminated|connect(?:ion)? timeout|trying to connect|not queryable|read timeout|connection error|pool after calling end/i;

/**
 * Tells an unreachable database from a failing statement.
 * @returns AppError `unavailable` when the database or the way to it is gone; `null` for every other error.
 */
export function outageOf(error: unknown, label = 'pool'): AppError | null {
  if (!(error instanceof Error) || error instanceof AppError) return null;
  if (
    !isOutage(error) &&
    !('driverError' in error && error.driverError instanceof Error && isOutage(error.driverError))
  ) {
    return null;
  }
  return databaseUnavailable(`${label}: ${String(error)}`, error);
}

/** 503 with what the operator needs to know in `detail`. */
export function databaseUnavailable(detail: string, cause?: unknown): AppError {
  return new AppError('unavailable', 'the service is temporarily unavailable', {
    code: 'database_unavailable',
    retryAfterS: 2,
    detail,
    cause,
  });
}

function isOutage(error: Error): boolean {
  const code = 'code' in error ? String(error.code) : '';
  if (NETWORK_CODES.has(code)) return true;
  if (SQLSTATE_PATTERN.test(code)) return OUTAGE_STATES.test(code);
  return CONNECTION_MESSAGES.test(error.message);
}
