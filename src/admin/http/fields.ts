import { z } from 'zod';
import {
  formatDecimal,
  micros,
  parseDecimal,
  usdMicros,
  type Micros,
  type UsdMicros,
} from '../../platform/money/index.js';
import { TIERS } from '../../wallet/index.js';

const NAME_LENGTH_MAX = 200;
const TEXT_LENGTH_MAX = 2_000;
const LIST_LENGTH_MAX = 200;

/** Largest amount of one request, in whole units: far above any real one, far below what a balance column holds. */
const AMOUNT_UNITS_MAX = 1_000_000_000n;
const AMOUNT_MICROS_MAX = AMOUNT_UNITS_MAX * 1_000_000n;

/** A name for people: 1–200 characters, no control characters, no space at the ends. */
export const name = z
  .string()
  .trim()
  .min(1)
  .max(NAME_LENGTH_MAX)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, { error: 'must not contain control characters' });

/** Any text up to a length. The database keeps neither NUL nor halves of surrogate pairs. */
export function plainText(lengthMax: number): z.ZodString {
  return z
    .string()
    .max(lengthMax)
    .regex(/^[^\0\p{Cs}]*$/u, { error: 'must be well-formed text without NUL' });
}

/** Text for people, up to 2000 characters; may be empty. */
export const text = plainText(TEXT_LENGTH_MAX);

/** Labels; at most 200, each 1–200 characters. */
export const labels = z.array(name).max(LIST_LENGTH_MAX);

export const tier = z.enum(TIERS);
export const uuid = z.uuid();

/** A moment as callers write it: RFC 3339 with an offset. Parsed to a `Date`. */
export const timeIn = z.iso.datetime({ offset: true }).transform((value) => new Date(value));

/** The name of a time zone; UTC when none is given. */
export const timeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, { error: 'must be the name of a time zone, such as Europe/Berlin' })
  .default('UTC');

/** A moment as the gateway writes it: RFC 3339 in UTC. */
export const timeOut = z.iso.datetime();

/** An amount as the gateway writes it: a decimal string with six places. */
export const decimalOut = z
  .string()
  .regex(/^-?\d+\.\d{6}$/)
  .describe('Decimal with six places.');

type Sign = 'positive' | 'not_negative' | 'any';

const SIGN_FAULT: Readonly<Record<Sign, (value: bigint) => string | null>> = {
  positive: (value) => (value > 0n ? null : 'must be greater than 0'),
  not_negative: (value) => (value >= 0n ? null : 'must not be negative'),
  any: (value) => (value === 0n ? 'must not be 0' : null),
};

/** An amount as callers write it: a decimal string or number with at most six places. Parsed to micro-units. */
function decimalIn(sign: Sign): z.ZodType<bigint, string | number> {
  return z
    .union([z.string(), z.number()], { error: 'must be a decimal string or a number' })
    .meta({ examples: ['1.500000'] })
    .transform((value, context) => {
      const parsed = parseDecimal(value);
      const fault = parsed === null ? 'must be a decimal with at most six places' : amountFault(parsed, sign);
      if (parsed !== null && fault === null) return parsed;
      context.addIssue({ code: 'custom', message: fault ?? '' });
      return z.NEVER;
    });
}

function amountFault(value: bigint, sign: Sign): string | null {
  if (value > AMOUNT_MICROS_MAX || value < -AMOUNT_MICROS_MAX) return `must not be beyond ${AMOUNT_UNITS_MAX}`;
  return SIGN_FAULT[sign](value);
}

/** Credits greater than 0. */
export const creditsPositive = decimalIn('positive').transform((value): Micros => micros(value));
/** Credits, 0 or more; also rates per million tokens. */
export const credits = decimalIn('not_negative').transform((value): Micros => micros(value));
/** Credits up or down, not 0. */
export const creditsSigned = decimalIn('any').transform((value): Micros => micros(value));
/** US dollars, 0 or more. */
export const usd = decimalIn('not_negative').transform((value): UsdMicros => usdMicros(value));
/** US dollars greater than 0. */
export const usdPositive = decimalIn('positive').transform((value): UsdMicros => usdMicros(value));

/** Writes an amount, keeping `null`. */
export function decimalOrNull(value: bigint | null): string | null {
  return value === null ? null : formatDecimal(value);
}

/** Writes a moment, keeping `null`. */
export function timeOrNull(value: Date | null): string | null {
  return value === null ? null : value.toISOString();
}

type PatchSchema<Shape extends z.ZodRawShape> = z.ZodObject<
  { [Field in keyof Shape]: z.ZodOptional<Shape[Field]> },
  z.core.$strict
>;

/** A change of some fields: all optional, at least one present. */
export function patchOf<Shape extends z.ZodRawShape>(shape: Shape): PatchSchema<Shape> {
  return z
    .strictObject(shape)
    .partial()
    .refine((value) => Object.keys(value).length > 0, { error: 'at least one field is required' })
    .meta({ minProperties: 1 });
}

/** Whether a text names a time zone that Postgres and this process know alike. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    // Offsets such as +02:00 are zones for Intl, but of the opposite sign for Postgres.
    return /^[A-Za-z]/.test(name);
  } catch {
    return false;
  }
}
