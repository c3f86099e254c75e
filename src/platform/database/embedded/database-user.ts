import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';

/** The user that Postgres runs as when the gateway runs as root: Postgres refuses to be root. */
export interface DatabaseUser {
  name: string;
  uid: number;
  gid: number;
}

/** Tried in this order; each must have a passwd entry, initdb insists on one. */
const PREFERRED_USERS = ['postgres', '_postgres', 'nobody'];

/**
 * Chooses the user for Postgres: `null` (ourselves) unless we are root; the owner of an existing cluster; else `postgres` or `nobody`.
 * @param clusterOwnerUid owner of the cluster that is already there.
 * @throws Error when root has nobody to become.
 */
export async function chooseDatabaseUser(clusterOwnerUid: number | null): Promise<DatabaseUser | null> {
  if (process.getuid?.() !== 0) return null;
  const users = parsePasswd(await readFile('/etc/passwd', 'utf8'));
  if (clusterOwnerUid !== null && clusterOwnerUid !== 0) {
    return users.find((user) => user.uid === clusterOwnerUid) ?? missingOwner(clusterOwnerUid);
  }
  for (const name of PREFERRED_USERS) {
    const user = users.find((candidate) => candidate.name === name && candidate.uid > 0);
    if (user !== undefined) return user;
  }
  const anyone = users.find((user) => user.uid > 0);
  if (anyone !== undefined) return anyone;
  throw new Error('Postgres cannot run as root and /etc/passwd has no other user; add one, or set DATABASE_URL');
}

function missingOwner(uid: number): never {
  throw new Error(`the database belongs to user ${uid}, who has no entry in /etc/passwd`);
}

/** Users of a passwd file, with uids and gids that can be switched to. */
export function parsePasswd(text: string): DatabaseUser[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', , uidText = '', gidText = ''] = line.split(':');
    const [uid, gid] = [Number(uidText), Number(gidText)];
    const usable = name !== '' && uidText !== '' && Number.isInteger(uid) && Number.isInteger(gid) && gid >= 0;
    return usable ? [{ name, uid, gid }] : [];
  });
}

/** Whether the user can read a file, by the mode bits of it and of every folder above it. `null` is ourselves. */
export async function canRead(user: DatabaseUser | null, file: string): Promise<boolean> {
  if (user === null) return true;
  return (await allows(user, file, READ)) && (await canPass(user, path.dirname(file)));
}

/** Whether the user can pass through a folder to a name that he knows. */
export async function canPass(user: DatabaseUser | null, folder: string): Promise<boolean> {
  if (user === null) return true;
  for (let place = path.resolve(folder); ; place = path.dirname(place)) {
    if (!(await allows(user, place, PASS))) return false;
    if (place === path.dirname(place)) return true;
  }
}

const READ = 4;
const PASS = 1;

async function allows(user: DatabaseUser, place: string, right: number): Promise<boolean> {
  const { uid, gid, mode } = await stat(place);
  if (uid === user.uid) return (mode & (right << 6)) !== 0;
  if (gid === user.gid) return (mode & (right << 3)) !== 0;
  return (mode & right) !== 0;
}
