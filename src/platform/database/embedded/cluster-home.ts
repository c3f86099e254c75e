import { createHash, randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, readlink, realpath, rename, symlink, writeFile, lchown } from 'node:fs/promises';
import path from 'node:path';
import { readIfPresent, type DataFiles } from './data-files.js';
import { canPass, type DatabaseUser } from './database-user.js';

/** Folders that root may use for what the database user must reach when the checkout is closed to him; the first that works. */
const ROOT_PLACES = ['/var/lib/joytoken-gateway', '/opt/joytoken-gateway', '/var/tmp/joytoken-gateway'];
const OWNER_NOTE = 'belongs-to';

/** The first of the places that can be had. @throws Error when there is none. */
export async function rootPlace(): Promise<string> {
  for (const place of ROOT_PLACES) {
    try {
      await mkdir(place, { recursive: true, mode: 0o755 });
      const { uid, mode } = await lstat(place);
      // Somebody else's folder in a place where everyone may write must not hold our programs.
      if (uid !== 0 || (mode & 0o022) !== 0) continue;
      await chmod(place, 0o755);
      return place;
    } catch {
      continue;
    }
  }
  const places = ROOT_PLACES.join(', ');
  throw new Error(`the database user cannot reach this folder and none of ${places} can be made; set DATABASE_URL`);
}

/**
 * A new folder that only root writes and the database user can pass, for a checkout that is closed to him. It is named after
 * the checkout, and never reused: a data folder that was deleted means a fresh start, and one that was moved keeps its data,
 * because the link moves with it.
 */
export async function makePrivateHome(files: DataFiles): Promise<string> {
  const name = createHash('sha256').update(files.dataDir).digest('hex').slice(0, 12);
  const home = path.join(await rootPlace(), `${name}-${randomBytes(4).toString('hex')}`);
  await mkdir(home);
  await chmod(home, 0o711);
  await noteOwner(home, files);
  return home;
}

/**
 * Makes an existing cluster usable for its user: one that was copied by root belongs to root, one that was moved may lie where
 * he cannot reach it, and one that a copied data folder links to belongs to the original.
 * @throws Error when it is somebody else's.
 */
export async function takeOver(files: DataFiles, user: DatabaseUser | null, ownerUid: number): Promise<void> {
  if (user === null) return;
  if ((await lstat(files.cluster)).isSymbolicLink()) await requireOwnLink(files);
  else if (!(await canPass(user, path.dirname(await realpath(files.cluster))))) await moveWithinReach(files);
  if (ownerUid === 0) await give(await realpath(files.cluster), user);
}

async function requireOwnLink(files: DataFiles): Promise<void> {
  const cluster = await readlink(files.cluster);
  const home = path.dirname(cluster);
  const owner = (await readIfPresent(path.join(home, OWNER_NOTE)))?.trim();
  if (owner === undefined || owner === files.cluster) return;
  const original = await readlink(owner).catch(() => null);
  if (original === cluster) {
    throw new Error(`${files.cluster} is a copy of the link ${owner}; delete it for a database of its own`);
  }
  await noteOwner(home, files);
}

async function moveWithinReach(files: DataFiles): Promise<void> {
  const target = path.join(await makePrivateHome(files), 'postgres');
  await rename(files.cluster, target).catch((error: unknown) => {
    throw new Error(`the database user cannot reach ${files.cluster}; move it to ${target} and link to it`, {
      cause: error,
    });
  });
  await symlink(target, files.cluster);
}

async function noteOwner(home: string, files: DataFiles): Promise<void> {
  await writeFile(path.join(home, OWNER_NOTE), `${files.cluster}\n`, { mode: 0o600 });
}

async function give(folder: string, user: DatabaseUser): Promise<void> {
  await lchown(folder, user.uid, user.gid);
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    await lchown(path.join(entry.parentPath, entry.name), user.uid, user.gid);
  }
}
