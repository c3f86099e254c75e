export type JsonRecord = Record<string, unknown>;

/** A JSON object, not an array and not `null`. */
export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text as it is, anything else as the empty one: what a delta carries when it carries text. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
