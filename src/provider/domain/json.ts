export type JsonRecord = Record<string, unknown>;

const BYTE_ORDER_MARK = 0xfeff;

/** A JSON object, not an array and not `null`. */
export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text as it is, anything else as the empty one: what a delta carries when it carries text. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** What a JSON text says, with or without a byte order mark; `null` when it is none. */
export function parseJsonOrNull(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}

/**
 * What a JSON text says, with or without a byte order mark.
 * @throws SyntaxError.
 */
export function parseJson(text: string): unknown {
  return JSON.parse(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text);
}
