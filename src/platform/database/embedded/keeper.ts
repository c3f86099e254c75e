import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { prepareCluster, type Cluster } from './cluster.js';
import { dataFiles, giveToOwner, tryLock, withSocketPath, writePrivate, type DataFiles } from './data-files.js';
import { askKeeper, readKeeperNote, type KeeperNote } from './keeper-line.js';
import { KeeperServer } from './keeper-server.js';
import { adoptPostmaster, startPostmaster, stopPostmaster, type Postmaster } from './postmaster.js';

/*
 * The process between the gateways of one data folder and their Postgres. It outlives each of them: it starts Postgres for the
 * first, restarts it when it dies, and stops it when the last has gone, however that one went. It never outlives the last by
 * more than the grace period, which a gateway that is being restarted uses to come back.
 */

const LOCK_TIMEOUT_MS = 120_000;
const LOCK_POLL_MS = 30;
const RESTARTS_PER_MINUTE_MAX = 5;
const RESTART_RETRY_MS = 300;

/** Told to end: by an operator, or by the gateway that started us when another keeper was faster. */
const ending = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => ending.abort());

/** Waits for the lock of the data folder; `null` when another keeper answers meanwhile or nobody waits for us any more. */
async function takeLock(files: DataFiles): Promise<{ release: () => void } | null> {
  const deadline = Date.now() + LOCK_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (ending.signal.aborted) return null;
    const lock = tryLock(files.lock);
    if (lock !== null) return lock;
    const other = await askKeeper(files);
    if (other !== null) {
      other.socket.destroy();
      return null;
    }
    await delay(LOCK_POLL_MS);
  }
  throw new Error(`another process holds ${files.lock} and does not answer`);
}

/** Starts Postgres, again for a while where the shared memory of a killed predecessor is still being given up. */
async function start(cluster: Cluster, files: DataFiles, port: number | null): Promise<Postmaster> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return (await adoptPostmaster(cluster)) ?? (await startPostmaster(cluster, files.log, port));
    } catch (error) {
      if (attempt >= RESTARTS_PER_MINUTE_MAX || !/shared memory|Address already in use/.test(String(error)))
        throw error;
      await delay(RESTART_RETRY_MS);
    }
  }
}

/** Restarts Postgres on the same port whenever it ends by itself. Returns when nobody needs it any more. */
async function watch(cluster: Cluster, files: DataFiles, server: KeeperServer, first: Postmaster): Promise<void> {
  let postmaster = first;
  let restartsMs: number[] = [];
  for (;;) {
    const event = await Promise.race([server.deserted.then(() => 'deserted'), postmaster.ended.then(() => 'ended')]);
    if (event === 'deserted') await stopPostmaster(postmaster);
    if (event === 'deserted' || server.leaving) return;
    restartsMs = [...restartsMs.filter((atMs) => atMs > Date.now() - 60_000), Date.now()];
    if (restartsMs.length > RESTARTS_PER_MINUTE_MAX) throw new Error('Postgres keeps ending; see the log above');
    say('Postgres ended by itself; starting it again');
    postmaster = await start(cluster, files, postmaster.port);
  }
}

async function keep(files: DataFiles): Promise<void> {
  const lock = await takeLock(files);
  if (lock === null) return;
  await giveToOwner(files, files.lock);
  const previous = await readKeeperNote(files);
  const cluster = await prepareCluster(files);
  const postmaster = await start(cluster, files, previous?.postgresPort ?? null);
  const server = new KeeperServer(postmaster.port);
  try {
    // What a killed keeper has left behind.
    await rm(files.keeperSocket, { force: true });
    await withSocketPath(files.keeperSocket, (path) => server.listen(path));
    await giveToOwner(files, files.keeperSocket);
    const note: KeeperNote = { pid: process.pid, postgresPort: postmaster.port };
    await writePrivate(files, files.keeper, JSON.stringify(note));
    if (ending.signal.aborted) server.leaveWhenAlone();
    else ending.signal.addEventListener('abort', () => server.leaveWhenAlone());
    await watch(cluster, files, server, postmaster);
  } finally {
    // Closing removes the socket; after the lock it might be the next keeper's.
    server.close();
    lock.release();
  }
}

/** Standard error is the log of the data folder; a gateway that started this process looks for these lines when it fails. */
function say(text: string): void {
  process.stderr.write(`${new Date().toISOString()} [keeper ${process.pid}] ${text}\n`);
}

try {
  await keep(dataFiles(process.argv[2] ?? ''));
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
