import { stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A worker has no port to ask: it touches this file for as long as its dependencies answer. One worker a container. */
const PULSE_FILE = path.join(tmpdir(), 'joytoken-worker.pulse');
const PULSE_MS = 5_000;
const LATE_MS = 20_000;

/** @param isHealthy rejects when something the worker needs does not answer. */
export function startPulse(isHealthy: () => Promise<unknown>): { stop: () => void } {
  const beat = (): void => {
    isHealthy()
      .then(() => writeFile(PULSE_FILE, ''))
      // A missed beat is the message.
      .catch(() => undefined);
  };
  beat();
  const timer = setInterval(beat, PULSE_MS);
  return { stop: () => clearInterval(timer) };
}

/** Whether a worker on this machine has had a pulse lately. */
export async function hasPulse(nowMs: number): Promise<boolean> {
  return stat(PULSE_FILE).then(
    ({ mtimeMs }) => nowMs - mtimeMs < LATE_MS,
    () => false,
  );
}
