import { setTimeout as sleep } from 'node:timers/promises';

const INTERVAL_MS = 20;

/**
 * Asks again and again until the answer is not `null`.
 * @throws after `timeoutMs`, naming what was awaited.
 */
export async function pollUntil<T>(ask: () => Promise<T | null>, awaited: string, timeoutMs = 5_000): Promise<T> {
  const givenUpAt = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (Date.now() > givenUpAt) throw new Error(`waited ${timeoutMs.toString()} ms for: ${awaited}`);
    await sleep(INTERVAL_MS);
  }
}
