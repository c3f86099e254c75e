/** What a caller sends to let the gateway choose. */
export const AUTO_MODEL = 'auto';

/**
 * Names of models: what fits into a URL path, a header and a wildcard pattern without quoting. A path leads nowhere else: none
 * of its segments is `.` or `..`.
 */
export const MODEL_KEY_PATTERN = /^(?!.*\/\.{1,2}(?:\/|$))[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/;

/** `auto` and `auto:…` are requests, never models. */
export function isReservedModelKey(modelKey: string): boolean {
  return /^auto(:|$)/i.test(modelKey);
}
