import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { ensureBuilt, PROJECT_DIR } from './build.js';

let built: Promise<void> | null = null;

/** How a command ended and what it printed. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs a program of `dist/src/start` as its npm script does, after the build.
 * @param env its whole environment, but for PATH.
 * @param input what it reads from its standard input.
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  env: Record<string, string>,
  input = '',
): Promise<Ended> {
  await (built ??= ensureBuilt());
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env['PATH'], ...env } };
    const file = join(PROJECT_DIR, 'dist/src/start', `${program}.js`);
    const child = execFile(process.execPath, [file, ...args], options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
    child.stdin?.end(input);
  });
}
