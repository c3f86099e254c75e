import { readFile } from 'node:fs/promises';
import { typedPath } from './pool-file-path.js';
import { StartError } from './start-error.js';

/**
 * The text of `--data` of the router's commands.
 * @throws StartError when none is named, or it cannot be read.
 */
export async function readDataFile(typed: string | undefined): Promise<string> {
  if (typed === undefined) throw new StartError('--data <file> is missing (--help shows the options)');
  const file = typedPath(typed);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : message;
    throw new StartError(`--data ${file} cannot be read: ${why}`, { cause: error });
  }
}
