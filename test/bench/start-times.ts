import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pollUntil } from '../support/poll.js';
import { removeDataDir } from './postgres.js';

const START_TIMEOUT_MS = 60_000;

export interface StartTimes {
  emptyDiskS: number;
  dataThereS: number;
}

/** `npm start` to the first answered chat call, on an empty data folder and again on the same one. */
export async function measureStartTimes(): Promise<StartTimes> {
  const dataDir = mkdtempSync(join(tmpdir(), 'joytoken-start-'));
  try {
    const first = await timeStart(dataDir, null);
    const second = await timeStart(dataDir, first.key);
    return { emptyDiskS: first.seconds, dataThereS: second.seconds };
  } finally {
    removeDataDir(dataDir);
  }
}

/** `key` is the one that the first start printed; a restart prints none. */
async function timeStart(dataDir: string, key: string | null): Promise<{ seconds: number; key: string }> {
  const startedAt = performance.now();
  const child = spawn('npm', ['start'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', DATA_DIR: dataDir, PORT: '0' },
  });
  let printed = '';
  child.stdout.on('data', (bytes: Buffer) => (printed += bytes.toString('utf8')));
  try {
    const find = (): Promise<{ url: string; key: string } | null> => {
      if (child.exitCode !== null) throw new Error(`npm start ended:\n${printed}`);
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0];
      const found = key ?? /jt_[0-9A-Za-z]+/.exec(printed)?.[0];
      return Promise.resolve(url === undefined || found === undefined ? null : { url, key: found });
    };
    const banner = await pollUntil(find, 'the banner of npm start', START_TIMEOUT_MS);
    await pollUntil(() => firstAnswer(banner.url, banner.key), 'the first answer', START_TIMEOUT_MS);
    return { seconds: (performance.now() - startedAt) / 1000, key: banner.key };
  } finally {
    await stop(child);
  }
}

async function firstAnswer(url: string, key: string): Promise<true | null> {
  const response = await fetch(`${url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hello' }] }),
  }).catch(() => null);
  if (response !== null) await response.arrayBuffer();
  return response?.ok === true ? true : null;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
