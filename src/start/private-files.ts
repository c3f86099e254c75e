import { chmod, stat } from 'node:fs/promises';
import path from 'node:path';

/** Files of a data folder that are for their owner only; a copy or a restored backup may have opened them. */
const PRIVATE_FILES = ['secrets.json', 'postgres.password'];

/**
 * Closes the secrets of a data folder to other users. Files that are missing are left to those who make them.
 * @returns a sentence for the operator about each file that was open: its secret may have been read.
 */
export async function closeToOthers(dataDir: string): Promise<string[]> {
  const said = await Promise.all(PRIVATE_FILES.map((name) => closeFile(path.join(dataDir, name))));
  return said.filter((sentence) => sentence !== null);
}

async function closeFile(file: string): Promise<string | null> {
  const found = await stat(file).catch(() => null);
  if (found === null || (found.mode & 0o077) === 0) return null;
  const start = `${file} had mode ${(found.mode & 0o777).toString(8)}, so other users could read it`;
  return chmod(file, 0o600).then(
    () => `${start}; it is closed to them now`,
    () => `${start}; this process cannot change that: run chmod 600 on it`,
  );
}
