/** What Node 24 has and TypeScript's library does not know yet (the TC39 proposal "JSON.parse source text access"). */
interface SourceJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): object;
  isRawJSON(value: unknown): value is { rawJSON: string };
}
const json = JSON as unknown as SourceJson;

/** A number that a double may not hold: sixteen digits in a row, or an exponent of three. */
const LONG_NUMBER = /\d{16}|\d[eE][+-]?\d{3}/;
const NUMBER = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/**
 * Parses JSON so that it can be written again without harm: a number that a double cannot hold stays the text it was, an
 * opaque value that `JSON.stringify` writes as it stands. Only texts that may contain such a number pay for it.
 * @throws SyntaxError when it is no JSON.
 */
export function parseExactly(text: string): unknown {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text);
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && !isExact(value, source) ? json.rawJSON(source) : value,
  );
}

/** The nearest double of a number that stayed text; every other value as it is. */
export function toDouble(value: unknown): unknown {
  return typeof value === 'object' && json.isRawJSON(value) ? Number(value.rawJSON) : value;
}

function isExact(value: number, source: string): boolean {
  return Number.isFinite(value) && decimalOf(String(value)) === decimalOf(source);
}

/** Digits and exponent without needless zeros: the same for every spelling of one number. */
function decimalOf(text: string): string {
  const [, whole = '', fraction = '', exponent = '0'] = NUMBER.exec(text) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const kept = digits.replace(/0+$/, '');
  if (kept === '') return '0';
  return `${text.startsWith('-') ? '-' : ''}${kept}e${String(Number(exponent) - fraction.length + digits.length - kept.length)}`;
}
