import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { StartError } from './start-error.js';

export interface LocalSecrets {
  HASH_SECRETS: string;
  ENCRYPTION_SECRETS: string;
}

/**
 * The secrets of a gateway with an embedded database: made at the first start, kept beside the data, readable for their owner
 * only. Without them no key of that database works again, so they live and move with it.
 * Call it before the database is made.
 * @throws StartError when there is a database and they are missing.
 */
export async function readOrMakeSecrets(dataDir: string): Promise<LocalSecrets> {
  const file = path.join(dataDir, 'secrets.json');
  const fresh = path.join(dataDir, `.secrets-${process.pid}-${randomBytes(4).toString('hex')}`);
  const known = await read(file);
  if (known !== null) return known;
  if (existsSync(path.join(dataDir, 'postgres'))) {
    throw new StartError(`${file} is missing, but the database beside it needs it; restore it, or set both secrets`);
  }
  const made: LocalSecrets = { HASH_SECRETS: newSecret(), ENCRYPTION_SECRETS: newSecret() };
  await writeFile(fresh, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  try {
    // Of two processes that start together one wins, and both use the winner's.
    await link(fresh, file);
    return made;
  } catch (error) {
    const winners = await read(file);
    if (winners === null) throw error;
    return winners;
  } finally {
    await rm(fresh, { force: true });
  }
}

/** The secrets that were made beside the data; `null` when none were. */
export function readSecrets(dataDir: string): Promise<LocalSecrets | null> {
  return read(path.join(dataDir, 'secrets.json'));
}

function newSecret(): string {
  return `1:${randomBytes(32).toString('base64')}`;
}

async function read(file: string): Promise<LocalSecrets | null> {
  try {
    const { HASH_SECRETS, ENCRYPTION_SECRETS } = JSON.parse(await readFile(file, 'utf8')) as Partial<LocalSecrets>;
    if (HASH_SECRETS === undefined || ENCRYPTION_SECRETS === undefined) throw new Error(`${file} is not complete`);
    return { HASH_SECRETS, ENCRYPTION_SECRETS };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
