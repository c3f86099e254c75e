/** Attempts of one delivery; the waits between them add up to about a day. */
export const ATTEMPTS_MAX = 8;

const FIRST_WAIT_MS = 5_000;
const FACTOR = 6;
const WAIT_MAX_MS = 43_200_000;
const JITTER = 0.2;

/**
 * How long to wait after a failed attempt: 5 s, then six times as long each time, twelve hours at most, each a fifth shorter
 * or longer so that what failed together is not tried together.
 * @param attempts that were made.
 * @param chance from 0 to 1.
 * @returns milliseconds; `null` when that was the last attempt.
 */
export function waitAfterMs(attempts: number, chance: number): number | null {
  if (attempts >= ATTEMPTS_MAX) return null;
  const waitMs = Math.min(FIRST_WAIT_MS * FACTOR ** (attempts - 1), WAIT_MAX_MS);
  return Math.round(waitMs * (1 - JITTER + 2 * JITTER * chance));
}
