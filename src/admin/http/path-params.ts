import { z } from 'zod';
import { AppError } from '../../platform/errors/index.js';
import { QUEUE_NAMES } from '../../platform/queue/index.js';
import { TIERS } from '../../wallet/index.js';
import { plainText } from './fields.js';

const uuid = z.uuid();

/** A calendar month, `YYYY-MM`. */
export const STATEMENT_MONTH = /^[2-9]\d{3}-(0[1-9]|1[0-2])$/;

/**
 * Every path parameter of this door by name. A value of the wrong form names nothing, so it is a 404 like any other
 * unknown id.
 */
export const PATH_PARAMS: Readonly<Record<string, z.ZodType>> = {
  id: uuid,
  endpoint_id: uuid,
  member_id: uuid,
  price_id: uuid,
  freeze_id: z.string().regex(/^gwr_[0-9a-f]{32}$/),
  job_id: plainText(128).min(1),
  queue: z.enum(QUEUE_NAMES),
  tier: z.enum(TIERS),
  month: z
    .string()
    .regex(STATEMENT_MONTH)
    .meta({ examples: ['2026-11'] })
    .describe('`YYYY-MM`.'),
  request_id: plainText(128).min(1).describe('Either request id: the gateway’s own or the caller’s.'),
};

/** @throws AppError `not_found` when a parameter cannot name anything. */
export function assertPathParams(params: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(params)) {
    const schema = PATH_PARAMS[name];
    if (schema !== undefined && !schema.safeParse(value).success) throw noSuch('resource');
  }
}

/** The 404 of this door. */
export function noSuch(what: string): AppError {
  return new AppError('not_found', `there is no such ${what}`, { code: 'not_found' });
}

/**
 * Passes a found thing on.
 * @throws AppError `not_found` for `null` and `undefined`.
 */
export function mustExist<T>(found: T | null | undefined, what: string): T {
  if (found === null || found === undefined) throw noSuch(what);
  return found;
}
