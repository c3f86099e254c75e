import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
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

/**
 * Puts a new encryption secret in front of those beside the data. The file is replaced as a whole, so a crash leaves the old or
 * the new one. Gateways know the new secret from their next start on.
 * @returns the number of the new secret.
 * @throws StartError when no secrets are kept there.
 */
export async function addEncryptionSecret(dataDir: string): Promise<number> {
  const file = path.join(dataDir, 'secrets.json');
  const fresh = path.join(dataDir, `.secrets-${process.pid}-${randomBytes(4).toString('hex')}`);
  const known = await read(file);
  if (known === null) throw new StartError(`there is no ${file}`);
  const numbers = known.ENCRYPTION_SECRETS.split(',').map((item) => Number.parseInt(item, 10));
  const number = Math.max(...numbers) + 1;
  const next = { ...known, ENCRYPTION_SECRETS: `${newSecret(number)},${known.ENCRYPTION_SECRETS}` };
  const handle = await open(fresh, 'wx', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(next, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(fresh, file);
  return number;
}

function newSecret(number = 1): string {
  return `${number}:${randomBytes(32).toString('base64')}`;
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
