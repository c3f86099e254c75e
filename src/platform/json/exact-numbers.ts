/** What Node 24 has and TypeScript's library does not know yet (the TC39 proposal "JSON.parse source text access"). */
interface SourceJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): object;
  isRawJSON(value: unknown): value is { rawJSON: string };
}
const json = JSON as unknown as SourceJson;

/** A shorter number without an exponent always fits a double. */
export const EXACT_CHARS = 15;
const NUMBER = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
const ZERO = 48;

/** Whether a double holds a number exactly as it is written, apart from needless zeros. Linear in its length. */
export function isExact(source: string): boolean {
  if (source.length <= EXACT_CHARS && !/e/i.test(source)) return true;
  const value = Number(source);
  return Number.isFinite(value) && decimalOf(String(value)) === decimalOf(source);
}

/**
 * Parses JSON so that it can be written again without harm: a number that a double cannot hold stays the text it was, an
 * opaque value that `JSON.stringify` writes as it stands. Costs a call for each value of the text.
 * @throws SyntaxError when the text is not JSON.
 */
export function parseExactly(text: string): unknown {
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && !isExact(source) ? json.rawJSON(source) : value,
  );
}

/** The nearest double of a number that stayed text; every other value as it is. */
export function toDouble(value: unknown): unknown {
  return isRawNumber(value) ? Number(value.rawJSON) : value;
}

/** Whether a value is a number that stayed text. */
export function isRawNumber(value: unknown): value is { rawJSON: string } {
  return typeof value === 'object' && json.isRawJSON(value);
}

/** Digits and exponent without needless zeros: the same for every spelling of one number. */
function decimalOf(text: string): string {
  const [, whole = '', fraction = '', exponent = '0'] = NUMBER.exec(text) ?? [];
  const all = whole + fraction;
  let from = 0;
  let to = all.length;
  while (from < to && all.charCodeAt(from) === ZERO) from += 1;
  while (to > from && all.charCodeAt(to - 1) === ZERO) to -= 1;
  if (from === to) return '0';
  const exponentOfLast = Number(exponent) - fraction.length + (all.length - to);
  return `${text.startsWith('-') ? '-' : ''}${all.slice(from, to)}e${exponentOfLast.toString()}`;
}
