import { spawn, type ChildProcess } from 'node:child_process';
import { open, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { endOrphans, worksOn } from './cluster-processes.js';
import { DATABASE_ENVIRONMENT, type Cluster } from './cluster.js';
import { isSocketPath, readIfPresent, socketPath } from './data-files.js';

/** A running Postgres: ours, or one that outlived its keeper. */
export interface Postmaster {
  pid: number;
  port: number;
  /** Settles when the process is gone. */
  ended: Promise<void>;
}

const POLL_MS = 15;
const START_TIMEOUT_MS = 60_000;
const FAST_STOP_TIMEOUT_MS = 60_000;
const ADOPTED_POLL_MS = 250;
const PORT_MAX = 65_535;

/** Durability is untouched: fsync, full_page_writes and synchronous_commit keep their defaults (on). */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  max_connections: '100',
  shared_buffers: '128MB',
  huge_pages: 'off',
  // Reads inside the backend: three I/O workers do not pay on a database that fits into memory.
  io_method: 'sync',
  max_logical_replication_workers: '0',
  // Fewer checkpoints, fewer full-page images; recovery after a crash stays within seconds.
  checkpoint_timeout: '15min',
  max_wal_size: '1GB',
  jit: 'off',
  // Wallet rows are updated in place all day: vacuum little and often.
  autovacuum_naptime: '20s',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  log_line_prefix: '%m [%p] ',
  update_process_title: 'off',
};

/**
 * Starts Postgres on a cluster, in a session of its own so that no Ctrl-C reaches it.
 * @param preferredPort used when it is free, so that gateways that outlive a restart of Postgres find it again.
 * @throws Error with the end of the log when it does not come up.
 */
export async function startPostmaster(
  cluster: Cluster,
  log: string,
  preferredPort: number | null,
): Promise<Postmaster> {
  const port = await freePort(preferredPort);
  const logFile = await open(log, 'a', 0o600);
  const logStart = (await logFile.stat()).size;
  const places = { port: String(port), unix_socket_directories: socketFolder(cluster.folder) };
  const options = Object.entries({ ...SETTINGS, ...places }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(cluster.binaries.postgres, ['-D', cluster.folder, ...options], {
    cwd: '/',
    detached: true,
    env: DATABASE_ENVIRONMENT,
    stdio: ['ignore', logFile.fd, logFile.fd],
    ...(cluster.user === null ? {} : { uid: cluster.user.uid, gid: cluster.user.gid }),
  });
  try {
    const ended = whenEnded(child);
    const pid = await whenReady(cluster, child, ended);
    return { pid, port, ended };
  } catch (error) {
    const said = (await readFile(log)).subarray(logStart).toString('utf8').trim();
    throw new Error(`Postgres did not start: ${said === '' ? String(error) : said}`, { cause: error });
  } finally {
    await logFile.close();
  }
}

function whenEnded(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
}

async function whenReady(cluster: Cluster, child: ChildProcess, ended: Promise<void>): Promise<number> {
  const state: { gone: boolean; failure: Error | null } = { gone: false, failure: null };
  child.once('error', (error) => (state.failure = error));
  void ended.then(() => (state.gone = true));
  const deadlineMs = Date.now() + START_TIMEOUT_MS;
  while (!state.gone && Date.now() < deadlineMs) {
    const seen = await readPidFile(cluster.folder);
    if (seen !== null && seen.pid === child.pid && seen.ready) return seen.pid;
    await delay(POLL_MS);
  }
  if (!state.gone) child.kill('SIGQUIT');
  throw state.failure ?? new Error(state.gone ? 'it exited' : `not ready after ${START_TIMEOUT_MS} ms`);
}

/** The cluster itself, where only its user and root get in; none where the kernel's limit on socket paths forbids it. */
function socketFolder(folder: string): string {
  return isSocketPath(socketPath(folder, PORT_MAX)) ? folder : '';
}

interface PidFile {
  pid: number;
  port: number;
  ready: boolean;
}

/** Reads postmaster.pid: process, data folder, start time, port, socket folder, address, shared memory, status. */
async function readPidFile(folder: string): Promise<PidFile | null> {
  const lines = (await readIfPresent(path.join(folder, 'postmaster.pid')))?.split('\n');
  if (lines === undefined) return null;
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  return Number.isInteger(pid) && pid > 0 ? { pid, port, ready: lines[7]?.trim() === 'ready' } : null;
}

/**
 * Finds a Postgres that is still running on the cluster because its keeper was killed. A pid file that names no process, or a
 * process that is not the Postgres of this cluster, is removed.
 * @returns `null` when none runs.
 */
export async function adoptPostmaster(cluster: Cluster): Promise<Postmaster | null> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const seen = await readPidFile(cluster.folder);
    if (seen === null || !(await worksOn(seen.pid, cluster.folder))) {
      if (seen !== null) await endOrphans(cluster.folder);
      await removeLocks(cluster.folder);
      return null;
    }
    if (seen.ready) return { pid: seen.pid, port: seen.port, ended: whenGone(seen.pid, cluster.folder) };
    // Starting or stopping: it will soon be one or the other.
    if (Date.now() > deadline) throw new Error(`Postgres ${seen.pid} is neither ready nor gone`);
    await delay(POLL_MS);
  }
}

/**
 * Postgres itself believes its lock files for as long as anything has the process id, be it a stranger or a zombie that nobody
 * reaps. Removing them gives up its own check for orphans, hence ours before.
 */
async function removeLocks(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name === 'postmaster.pid' || name.startsWith('.s.PGSQL.')) await rm(path.join(folder, name), { force: true });
  }
}

async function whenGone(pid: number, folder: string): Promise<void> {
  while (await worksOn(pid, folder)) await delay(ADOPTED_POLL_MS);
}

/** Stops Postgres: connections are cut, everything committed is written out. A stop that hangs is cut short; recovery is its cure. */
export async function stopPostmaster(postmaster: Postmaster): Promise<void> {
  for (const [signal, timeoutMs] of [['SIGINT', FAST_STOP_TIMEOUT_MS] as const, ['SIGQUIT', 5_000] as const]) {
    try {
      process.kill(postmaster.pid, signal);
    } catch {
      return;
    }
    const timer = new AbortController();
    const late = delay(timeoutMs, 'late', { signal: timer.signal }).catch(() => 'ended');
    const outcome = await Promise.race([postmaster.ended.then(() => 'ended'), late]);
    timer.abort();
    if (outcome === 'ended') return;
  }
}

async function freePort(preferred: number | null): Promise<number> {
  for (const port of preferred === null ? [0] : [preferred, 0]) {
    const taken = await tryListen(port);
    if (taken !== null) return taken;
  }
  throw new Error('no free port on 127.0.0.1');
}

function tryListen(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : null));
    });
  });
}
