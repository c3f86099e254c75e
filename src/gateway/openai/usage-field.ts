const FIELD = '"usage"';
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;

/**
 * A chunk without its top-level `usage`: OpenAI sends none where none was asked for, but the gateway asks always. Works on the
 * text, since most chunks pass unread; a field of the same name further inside stays, and so does a value that is neither an object
 * nor `null`. Looks at each character once.
 * @param data one JSON object.
 * @param isNullKept `null` stays: a caller that asked for usage may find it on every chunk but the last.
 */
export function withoutUsage(data: string, isNullKept = false): string {
  if (!data.includes(FIELD)) return data;
  let depth = 0;
  let memberStart = 0;
  let isUsage = false;
  for (let at = 0; at < data.length; at += 1) {
    const code = data.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfText(data, at);
      if (depth === 1 && isName(data, end)) {
        isUsage = data.startsWith(FIELD, at) && hasRemovableValue(data, end + 1, isNullKept);
        if (isUsage) memberStart = at;
      }
      at = end;
    } else if (isUsage && depth === 1 && (code === COMMA || isClosing(code))) return cut(data, memberStart, at);
    else if (isOpening(code)) depth += 1;
    else if (isClosing(code)) depth -= 1;
  }
  return data;
}

/** Takes the comma before the field along, else the one behind it. */
function cut(data: string, from: number, to: number): string {
  const before = data.slice(0, from).trimEnd();
  const behind = data.slice(to);
  if (before.endsWith(',')) return before.slice(0, -1) + behind;
  return before + (behind.startsWith(',') ? behind.slice(1) : behind);
}

/** @param end the place of the quote that ends a text. */
function isName(data: string, end: number): boolean {
  return data.charCodeAt(afterSpace(data, end + 1)) === COLON;
}

/** @param from behind the name. */
function hasRemovableValue(data: string, from: number, isNullKept: boolean): boolean {
  const value = afterSpace(data, afterSpace(data, from) + 1);
  return data.startsWith('{', value) || (!isNullKept && data.startsWith('null', value));
}

function afterSpace(data: string, from: number): number {
  let at = from;
  while (at < data.length && data.charCodeAt(at) <= 0x20) at += 1;
  return at;
}

/** The place of the quote that ends the text that begins at a quote. */
function endOfText(data: string, at: number): number {
  let place = at + 1;
  while (place < data.length) {
    const code = data.charCodeAt(place);
    if (code === QUOTE) return place;
    place += code === BACKSLASH ? 2 : 1;
  }
  return place;
}

function isOpening(code: number): boolean {
  return code === 0x7b || code === 0x5b;
}

function isClosing(code: number): boolean {
  return code === 0x7d || code === 0x5d;
}
