/**
 * Money is an integer count of micro-units: micro-credits for wallets, micro-USD for costs.
 * The brands keep the two apart and keep `number` out.
 */
export type Micros = bigint & { readonly __unit: 'micro-credit' };
export type UsdMicros = bigint & { readonly __unit: 'micro-usd' };

export const MICROS_PER_UNIT = 1_000_000n;
export const ZERO_MICROS = 0n as Micros;

/** Largest amount that a Postgres `bigint` column holds; anything above is refused, never wrapped. */
export const MICROS_MAX = 9_223_372_036_854_775_807n;

const DECIMAL_PATTERN = /^(-?)(\d{1,13})(?:\.(\d{1,6}))?$/;

/** Tags a raw count of micro-credits. */
export function micros(value: bigint | number): Micros {
  return BigInt(value) as Micros;
}

/** Tags a raw count of micro-USD. */
export function usdMicros(value: bigint | number): UsdMicros {
  return BigInt(value) as UsdMicros;
}

/**
 * Reads a decimal amount with at most six places, as a string or a JSON number.
 * @returns micro-units, or `null` when the text is not such an amount or does not fit a `bigint` column.
 */
export function parseDecimal(value: string | number): bigint | null {
  const text = typeof value === 'number' ? decimalTextOf(value) : value;
  const match = DECIMAL_PATTERN.exec(text);
  if (match === null) return null;
  const [, sign = '', whole = '0', fraction = ''] = match;
  const magnitude = BigInt(whole) * MICROS_PER_UNIT + BigInt(fraction.padEnd(6, '0'));
  if (magnitude > MICROS_MAX) return null;
  return sign === '-' ? -magnitude : magnitude;
}

/** Writes micro-units as a decimal with exactly six places, e.g. `0.033962`. */
export function formatDecimal(value: bigint): string {
  const sign = value < 0n ? '-' : '';
  const magnitude = value < 0n ? -value : value;
  const fraction = (magnitude % MICROS_PER_UNIT).toString().padStart(6, '0');
  return `${sign}${(magnitude / MICROS_PER_UNIT).toString()}.${fraction}`;
}

/** A JSON number as plain decimal text; exponent forms such as 1e-6 are written out. */
function decimalTextOf(value: number): string {
  const text = String(value);
  return text.includes('e') ? value.toFixed(6).replace(/\.?0+$/, '') : text;
}
