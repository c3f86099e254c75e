import { setTimeout as sleep } from 'node:timers/promises';

const INTERVAL_MS = 20;
/** Ends what hangs; tells nothing about speed. */
export const PATIENCE_MS = 60_000;

/**
 * The bound for what has been promised within a time. A machine that others share decides nothing: it gets all the patience
 * there is, unless TEST_STRICT_TIMES is `true`.
 */
export function promised(timeMs: number): number {
  return process.env['TEST_STRICT_TIMES'] === 'true' ? timeMs : Math.max(timeMs, PATIENCE_MS);
}

/**
 * Asks again and again until the answer is not `null`.
 * @throws after `timeoutMs`, naming what was awaited.
 */
export async function pollUntil<T>(ask: () => Promise<T | null>, awaited: string, timeoutMs = PATIENCE_MS): Promise<T> {
  const givenUpAt = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (Date.now() > givenUpAt) throw new Error(`waited ${timeoutMs.toString()} ms for: ${awaited}`);
    await sleep(INTERVAL_MS);
  }
}

/** For `pollUntil`: whether nobody listens at a gateway's address any more. */
export async function refusesConnections(url: string): Promise<true | null> {
  return fetch(`${url}/health/live`).then(
    () => null,
    () => true,
  );
}
