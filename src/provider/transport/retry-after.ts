const RETRY_AFTER_S_MAX = 24 * 3600;

/** Seconds of a `Retry-After` header, given as seconds or as a date; `null` when absent or unreadable. At least 1. */
export function readRetryAfterS(header: string, nowMs: number): number | null {
  const text = header.trim();
  if (text === '') return null;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : dateOf(text) - nowMs / 1000;
  if (!Number.isFinite(seconds)) return null;
  return Math.min(RETRY_AFTER_S_MAX, Math.max(1, Math.ceil(seconds)));
}

/** Seconds since the epoch of an HTTP date; `Date.parse` alone takes far too much for one. */
function dateOf(text: string): number {
  return /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text) / 1000 : Number.NaN;
}
