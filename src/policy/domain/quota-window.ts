const DAY_MS = 86_400_000;
/** The epoch was a Thursday: the first ISO Monday after it is day 4. */
const FIRST_MONDAY_DAY = 4;

/** Days since the epoch, UTC. */
export function dayOf(nowMs: number): number {
  return Math.floor(nowMs / DAY_MS);
}

/** When the daily quota starts again: the next 00:00 UTC. */
export function nextDay(nowMs: number): Date {
  return new Date((dayOf(nowMs) + 1) * DAY_MS);
}

/** When the weekly quota starts again: 00:00 UTC on the next ISO Monday. */
export function nextWeek(nowMs: number): Date {
  const daysIntoWeek = (((dayOf(nowMs) - FIRST_MONDAY_DAY) % 7) + 7) % 7;
  return new Date((dayOf(nowMs) + 7 - daysIntoWeek) * DAY_MS);
}

/** When both quotas start again. */
export function quotaResets(nowMs: number): { daily: Date; weekly: Date } {
  return { daily: nextDay(nowMs), weekly: nextWeek(nowMs) };
}
