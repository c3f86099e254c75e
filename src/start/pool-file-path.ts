import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from './package-root.js';
import { StartError } from './start-error.js';

const FILE_BYTES_MAX = 4_000_000;

export interface PoolText {
  /** As messages show it. */
  name: string;
  text: string;
}

/** npm changes to the package's folder; what a person types is relative to where he was. */
export function typedPath(file: string): string {
  return path.resolve(process.env['INIT_CWD'] ?? process.cwd(), file);
}

/** A setting is relative to the folder of package.json. */
export function settingPath(file: string): string {
  return path.resolve(packageRoot(), file);
}

/**
 * Settings on the command line of the gateway: `npm start -- --config gateway.yaml`.
 * @throws StartError naming an option that there is not.
 */
export function startSettings(args: readonly string[]): Readonly<Record<string, string>> {
  try {
    const { config } = parseArgs({ args: [...args], options: { config: { type: 'string' } } }).values;
    return config === undefined ? {} : { GATEWAY_CONFIG: typedPath(config) };
  } catch (error) {
    const said = (error as Error).message.split('\n', 1)[0] ?? '';
    throw new StartError(`${said}; there is --config <file>`);
  }
}

/** As the person who typed the command sees it: short below his folder, whole elsewhere. */
function shownPath(absolute: string): string {
  const relative = path.relative(process.env['INIT_CWD'] ?? process.cwd(), absolute);
  return relative === '' || relative.startsWith('..') || path.isAbsolute(relative) ? absolute : relative;
}

/** @throws StartError when the file cannot be read. */
export async function readPoolText(absolute: string): Promise<PoolText> {
  const name = shownPath(absolute);
  try {
    const bytes = await readFile(absolute);
    if (bytes.length > FILE_BYTES_MAX) throw new StartError(`${name} is too large for a pool file`);
    return { name, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    if (error instanceof StartError) throw error;
    const reason = error instanceof TypeError ? 'it is not UTF-8' : (error as Error).message;
    throw new StartError(`the pool file ${name} cannot be read: ${reason}`, { cause: error });
  }
}
