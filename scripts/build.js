import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/*
 * Compiles the project into `dist` unless that is newer than every source: a second `npm start` need not wait for the compiler,
 * and one beside a running gateway must not write over the files that it is loading.
 */

const PROJECT_DIR = resolve(import.meta.dirname, '..');
const SOURCES = ['src', 'test', 'migrations', 'package.json', 'package-lock.json', 'nest-cli.json', '.swcrc'];
const STAMP = resolve(PROJECT_DIR, 'dist/.built');
const LOCK = resolve(PROJECT_DIR, 'dist/.building');
const LOCK_STALE_MS = 120_000;
const LOCK_POLL_MS = 50;

function modifiedMs(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Of a file, or of a folder and everything in it: a deleted file shows in the time of its folder. */
function newestMs(path) {
  const entries = statSync(path, { throwIfNoEntry: false })?.isDirectory()
    ? readdirSync(path, { withFileTypes: true, recursive: true })
    : [];
  return entries.reduce(
    (newest, entry) => Math.max(newest, modifiedMs(join(entry.parentPath, entry.name))),
    modifiedMs(path),
  );
}

function isFresh() {
  const builtMs = modifiedMs(STAMP);
  return builtMs > 0 && SOURCES.every((source) => newestMs(resolve(PROJECT_DIR, source)) < builtMs);
}

/** A folder is the lock: making it is atomic on every file system. One left by a killed build is taken over. */
async function takeLock() {
  const givenUpAtMs = Date.now() + LOCK_STALE_MS * 2;
  while (Date.now() < givenUpAtMs) {
    try {
      mkdirSync(LOCK);
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const takenMs = modifiedMs(LOCK);
    if (takenMs > 0 && Date.now() - takenMs > LOCK_STALE_MS) rmSync(LOCK, { recursive: true, force: true });
    else await sleep(LOCK_POLL_MS);
  }
  throw new Error(`another build holds ${LOCK}`);
}

/** Everything in that folder is run: what was compiled from a migration that is no more must not be. */
function removeStaleMigrations() {
  const compiled = resolve(PROJECT_DIR, 'dist/migrations');
  for (const file of readdirSync(compiled)) {
    const source = `${file.replace(/\.(js|js\.map|d\.ts)$/, '')}.ts`;
    if (!existsSync(resolve(PROJECT_DIR, 'migrations', source))) rmSync(join(compiled, file));
  }
}

async function build() {
  mkdirSync(resolve(PROJECT_DIR, 'dist'), { recursive: true });
  await takeLock();
  try {
    if (isFresh()) return 0;
    const startedAt = new Date();
    const compiler = resolve(PROJECT_DIR, 'node_modules/@nestjs/cli/bin/nest.js');
    if (!existsSync(compiler)) {
      // NODE_ENV=production makes npm leave out the compiler, and the Node.js that this program runs on.
      console.error('The compiler is not installed. Run: npm ci --include=dev');
      return 1;
    }
    const { status } = spawnSync(process.execPath, [compiler, 'build'], { cwd: PROJECT_DIR, stdio: 'inherit' });
    if (status !== 0) return status ?? 1;
    removeStaleMigrations();
    writeFileSync(STAMP, '');
    // A source that was saved during the build must count as newer than the build.
    utimesSync(STAMP, startedAt, startedAt);
    return 0;
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}

process.exitCode = isFresh() ? 0 : await build();
