import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, lstat, mkdir, readdir, realpath, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { prepareBinaries, type Binaries } from './binaries.js';
import { makePrivateHome, rootPlace, takeOver } from './cluster-home.js';
import { readIfPresent, writePrivate, type DataFiles } from './data-files.js';
import { canPass, chooseDatabaseUser, type DatabaseUser } from './database-user.js';

/** A cluster on disk that Postgres can be started on. */
export interface Cluster {
  /** Real path of the cluster. */
  folder: string;
  binaries: Binaries;
  user: DatabaseUser | null;
  password: string;
}

const STAGE_PREFIX = 'initdb-';

/** Processes started for the database get no secret of the gateway's environment. */
export const DATABASE_ENVIRONMENT: NodeJS.ProcessEnv = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
};

/** Finds the cluster of a data folder, or makes it on the first start. The caller holds the keeper's lock. */
export async function prepareCluster(files: DataFiles): Promise<Cluster> {
  await removeStages(files.dataDir);
  const owner = await clusterOwner(files);
  const user = await chooseDatabaseUser(owner);
  const binaries = await prepareBinaries(user, () => (user === null ? Promise.resolve(files.dataDir) : rootPlace()));
  const password = await readOrMakePassword(files, owner !== null);
  if (owner === null) await createCluster(files, binaries, user, password);
  else await takeOver(files, user, owner);
  return { folder: await realpath(files.cluster), binaries, user, password };
}

/** Uid of the cluster's owner; `null` when there is no cluster yet. */
async function clusterOwner(files: DataFiles): Promise<number | null> {
  const link = await lstat(files.cluster).catch(() => null);
  if (link === null) return null;
  const version = await readIfPresent(path.join(files.cluster, 'PG_VERSION'));
  if (version === null) throw new Error(`${files.cluster} exists but is not a database; move it away`);
  if (version.trim() !== '18') {
    throw new Error(
      `${files.cluster} was made by Postgres ${version.trim()}, this is 18; move it away or set DATABASE_URL`,
    );
  }
  return (await stat(files.cluster)).uid;
}

async function readOrMakePassword(files: DataFiles, exists: boolean): Promise<string> {
  const known = (await readIfPresent(files.password))?.trim();
  if (known !== undefined && known !== '') return known;
  if (exists) throw new Error(`${files.password} is missing, but the database ${files.cluster} needs it`);
  const password = randomBytes(24).toString('base64url');
  await writePrivate(files, files.password, `${password}\n`);
  return password;
}

/** initdb into a folder of its own, renamed into place when complete: a start that was killed leaves no half database. */
async function createCluster(
  files: DataFiles,
  binaries: Binaries,
  user: DatabaseUser | null,
  password: string,
): Promise<void> {
  const home = (await canPass(user, await realpath(files.dataDir))) ? files.dataDir : await makePrivateHome(files);
  const stage = path.join(home, `${STAGE_PREFIX}${randomBytes(6).toString('hex')}`);
  await mkdir(stage, { mode: 0o700 });
  try {
    const passwordFile = path.join(stage, 'password');
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    if (user !== null) for (const place of [stage, passwordFile]) await chown(place, user.uid, user.gid);
    await runInitdb(binaries, user, path.join(stage, 'cluster'), passwordFile);
    const target = path.join(home, 'postgres');
    await rename(path.join(stage, 'cluster'), target);
    if (target !== files.cluster) await symlink(target, files.cluster);
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

async function runInitdb(
  binaries: Binaries,
  user: DatabaseUser | null,
  folder: string,
  passwordFile: string,
): Promise<void> {
  const options = [
    `--pgdata=${folder}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // The built-in provider sorts alike on every machine, whatever locales are installed.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
  ];
  await promisify(execFile)(binaries.initdb, options, {
    cwd: '/',
    env: DATABASE_ENVIRONMENT,
    ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
  }).catch((error: unknown) => {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new Error(`initdb failed: ${said === '' ? String(error) : said}`, { cause: error });
  });
}

async function removeStages(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    if (name.startsWith(STAGE_PREFIX)) await rm(path.join(dataDir, name), { recursive: true, force: true });
  }
}
