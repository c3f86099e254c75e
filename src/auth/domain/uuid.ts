const UUID_PATTERN = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether a text can be an id at all; anything else names nothing, and must not reach a `uuid` column. */
export function isUuid(text: string): boolean {
  return UUID_PATTERN.test(text);
}
