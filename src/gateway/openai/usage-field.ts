const FIELD = '"usage"';
const VALUE = /\s*:\s*(null|\{)/y;

/**
 * A chunk without its top-level `usage`: OpenAI sends none where none was asked for, but the gateway asks always. Works on the
 * text, since most chunks pass unread; a field of the same name further inside stays.
 * @param data one JSON object.
 * @param isNullKept `null` stays: a caller that asked for usage may find it on every chunk but the last.
 */
export function withoutUsage(data: string, isNullKept = false): string {
  if (!data.includes(FIELD)) return data;
  for (let at = data.lastIndexOf(FIELD); at !== -1; at = data.lastIndexOf(FIELD, at - 1)) {
    VALUE.lastIndex = at + FIELD.length;
    const value = VALUE.exec(data);
    // A text that is the word itself has no value behind it.
    if (value !== null) {
      const end = value[1] === 'null' ? VALUE.lastIndex : endOfObject(data, VALUE.lastIndex);
      if (depthBehind(data, end) === -1) return isNullKept && value[1] === 'null' ? data : cut(data, at, end);
    }
    if (at === 0) break;
  }
  return data;
}

/** Takes the comma before the field along, else the one behind it. */
function cut(data: string, from: number, to: number): string {
  const before = data.slice(0, from).trimEnd();
  const behind = data.slice(to);
  if (before.endsWith(',')) return before.slice(0, -1) + behind;
  return before + behind.replace(/^\s*,/, '');
}

/** @param at behind the brace that opens it. @returns the place behind the brace that closes it. */
function endOfObject(data: string, at: number): number {
  let depth = 1;
  let place = at;
  for (; depth > 0 && place < data.length; place += 1) {
    const char = data[place];
    if (char === '"') place = endOfText(data, place);
    else if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') depth -= 1;
  }
  return place;
}

/** How many brackets are opened (+) or closed (-) from a place outside of any text to the end: -1 is the top level. */
function depthBehind(data: string, at: number): number {
  let depth = 0;
  for (let place = at; place < data.length; place += 1) {
    const char = data[place];
    if (char === '"') place = endOfText(data, place);
    else if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') depth -= 1;
  }
  return depth;
}

/** The place of the quote that ends the text that begins at a quote. */
function endOfText(data: string, at: number): number {
  let place = at + 1;
  while (place < data.length && data[place] !== '"') place += data[place] === '\\' ? 2 : 1;
  return place;
}
