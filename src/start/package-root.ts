import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The folder of package.json, whatever the working directory is: relative settings are relative to it. */
export function packageRoot(): string {
  for (let folder = import.meta.dirname; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, 'package.json'))) return folder;
  }
  throw new Error('package.json not found above the program');
}

export function packageVersion(): string {
  const text = readFileSync(path.join(packageRoot(), 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
