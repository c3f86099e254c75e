import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import path from 'node:path';

/** Where everything of one embedded Postgres lies inside its data folder. */
export interface DataFiles {
  dataDir: string;
  /** The cluster itself, or a symbolic link to it. */
  cluster: string;
  /** Password of the superuser, readable for the owner of the data folder only. */
  password: string;
  /** Which process keeps Postgres, and at which port. */
  keeper: string;
  /** Where the keeper listens; only the owner of the data folder can connect. */
  keeperSocket: string;
  /** Locked by the keeper while it lives. */
  lock: string;
  /** What Postgres and the keeper print. */
  log: string;
}

/** Names the files of a data folder; touches nothing. */
export function dataFiles(dataDir: string): DataFiles {
  const root = path.resolve(dataDir);
  return {
    dataDir: root,
    cluster: path.join(root, 'postgres'),
    password: path.join(root, 'postgres.password'),
    keeper: path.join(root, 'keeper.json'),
    keeperSocket: path.join(root, 'keeper.sock'),
    lock: path.join(root, 'keeper.lock'),
    log: path.join(root, 'postgres.log'),
  };
}

/** Whether a data folder holds a database, or a link to one. Touches nothing. */
export async function hasCluster(dataDir: string): Promise<boolean> {
  return lstat(dataFiles(dataDir).cluster).then(
    () => true,
    () => false,
  );
}

/** The kernel takes no longer path of a Unix socket: 108 bytes on Linux, 104 elsewhere, with a NUL at the end. */
const SOCKET_PATH_BYTES_MAX = 103;

/** Whether a Unix socket can have this path. */
export function isSocketPath(file: string): boolean {
  return Buffer.byteLength(file) <= SOCKET_PATH_BYTES_MAX;
}

/** Calls with a path of the socket that the kernel takes: a longer one leads over a link in a folder that only we can enter. */
export async function withSocketPath<Result>(file: string, use: (path: string) => Promise<Result>): Promise<Result> {
  if (isSocketPath(file)) return use(file);
  const folder = await mkdtemp(path.join(tmpdir(), 'jt-'));
  try {
    await symlink(path.dirname(file), path.join(folder, 'd'));
    return await use(path.join(folder, 'd', path.basename(file)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Where a Postgres that listens in a folder has its Unix socket. */
export function socketPath(folder: string, port: number): string {
  return path.join(folder, `.s.PGSQL.${port}`);
}

/**
 * Makes the data folder if it is missing: others may pass through it (the database user of a root start must), but not list it.
 * @throws Error in plain words when the folder belongs to somebody else.
 */
export async function makeDataDir(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true });
    // Also an empty folder that we were given, e.g. one by mktemp; never one that holds other things.
    if ((await readdir(dataDir)).length === 0) await chmod(dataDir, 0o711);
    const probe = path.join(dataDir, `.probe-${process.pid}-${randomBytes(4).toString('hex')}`);
    await writeFile(probe, '');
    await rm(probe);
  } catch (error) {
    throw new Error(`cannot write to the data folder ${dataDir}; give it to this user or set DATA_DIR to another one`, {
      cause: error,
    });
  }
}

/** Replaces a file in one step. Only the owner of the data folder can read it, also when root writes it. */
export async function writePrivate(files: DataFiles, file: string, content: string): Promise<void> {
  const fresh = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await writeFile(fresh, content, { mode: 0o600, flag: 'wx' });
  await giveToOwner(files, fresh);
  await rename(fresh, file);
}

/** Root working in somebody's data folder leaves files behind that this user can read on the next start. */
export async function giveToOwner(files: DataFiles, file: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const owner = await stat(files.dataDir);
  await chown(file, owner.uid, owner.gid);
}

/** Content of a file, or `null` when it does not exist. */
export async function readIfPresent(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Takes the keeper's lock: an exclusive SQLite transaction, which is a kernel lock that dies with its holder however that ends.
 * Node has no flock, and a lock file with a process id in it lies after a kill -9.
 * @returns `null` while another process holds it.
 */
export function tryLock(file: string): { release: () => void } | null {
  closeSync(openSync(file, 'a', 0o600));
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('pragma journal_mode = memory; begin exclusive');
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if (/locked|busy/.test(String(error))) return null;
    throw error;
  }
}
