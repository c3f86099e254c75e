import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

/** Programs that tests start again and again compile their modules once: it takes a quarter of the time of a start. */
export const COMPILE_CACHE = { NODE_COMPILE_CACHE: join(tmpdir(), 'joytoken-compile-cache') };

/** Folder of package.json; Jest and the npm scripts run there. */
export const PROJECT_DIR = process.cwd();

/**
 * Compiles the project into `dist` unless it is newer than every source. Tests that start real processes need it;
 * workers that ask at once wait for one build.
 * @throws when the compiler fails; its output is in the message.
 */
export async function ensureBuilt(): Promise<void> {
  await promisify(execFile)(process.execPath, [resolve(PROJECT_DIR, 'scripts/build.js')], { cwd: PROJECT_DIR });
}
