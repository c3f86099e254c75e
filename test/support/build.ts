import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

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
