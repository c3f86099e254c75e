import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Folder of package.json; Jest and the npm scripts run there. */
export const PROJECT_DIR = process.cwd();

const SOURCES = ['src', 'test', 'migrations', 'package.json', 'nest-cli.json', '.swcrc'];
const STAMP = resolve(PROJECT_DIR, 'dist/.built');
const LOCK = resolve(PROJECT_DIR, 'dist/.building');
const LOCK_STALE_MS = 120_000;
const LOCK_POLL_MS = 100;

/**
 * Compiles the project into `dist` unless it is newer than every source. Tests that start real processes need it;
 * workers that ask at once wait for one build.
 * @throws when the compiler fails; its output is in the message.
 */
export async function ensureBuilt(): Promise<void> {
  if (await isFresh()) return;
  await mkdir(resolve(PROJECT_DIR, 'dist'), { recursive: true });
  await takeLock();
  try {
    if (await isFresh()) return;
    const startedAt = new Date();
    await run(resolve(PROJECT_DIR, 'node_modules/.bin/nest'), ['build'], { cwd: PROJECT_DIR });
    await writeFile(STAMP, '');
    // A source that was saved during the build must count as newer than the build.
    await utimes(STAMP, startedAt, startedAt);
  } finally {
    await rm(LOCK, { recursive: true, force: true });
  }
}

async function isFresh(): Promise<boolean> {
  const built = await modifiedMs(STAMP);
  if (built === 0) return false;
  const newest = await Promise.all(SOURCES.map((source) => newestMs(resolve(PROJECT_DIR, source))));
  return built > Math.max(...newest);
}

async function newestMs(path: string): Promise<number> {
  const own = await modifiedMs(path);
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(() => []);
  const times = await Promise.all(entries.map((entry) => modifiedMs(join(entry.parentPath, entry.name))));
  return Math.max(own, ...times);
}

async function modifiedMs(path: string): Promise<number> {
  return stat(path).then(
    (found) => found.mtimeMs,
    () => 0,
  );
}

/** A folder is the lock: making it is atomic on every file system. One left by a killed run is taken over. */
async function takeLock(): Promise<void> {
  const givenUpAt = Date.now() + LOCK_STALE_MS * 2;
  while (Date.now() < givenUpAt) {
    const made = await mkdir(LOCK).then(
      () => true,
      () => false,
    );
    if (made) return;
    if (Date.now() - (await modifiedMs(LOCK)) > LOCK_STALE_MS) await rm(LOCK, { recursive: true, force: true });
    else await sleep(LOCK_POLL_MS);
  }
  throw new Error(`another build holds ${LOCK}`);
}
