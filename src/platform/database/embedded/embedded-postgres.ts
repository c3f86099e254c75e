import { spawn, type ChildProcess } from 'node:child_process';
import { access, constants, open, readFile, realpath, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { dataFiles, giveToOwner, makeDataDir, socketPath, type DataFiles } from './data-files.js';
import { askKeeper, RELEASE, type KeeperLine } from './keeper-line.js';

export interface EmbeddedPostgresOptions {
  /** Folder of the data, the password and the log; made when missing. */
  dataDir: string;
  /**
   * Name the Unix socket in the URL where there is one: a fifth faster a statement. A URL to be taken apart and rebuilt by others
   * (tests do) is better without.
   */
  preferSocket?: boolean;
  /** How long the first start on a slow machine may take. */
  startTimeoutMs?: number;
}

export interface EmbeddedPostgres {
  /** `postgres://…` with the generated password; good for as long as this is not released. */
  url: string;
  /** Gives Postgres up. The last one to do so gets its answer when Postgres has stopped. */
  release: () => Promise<void>;
}

const START_TIMEOUT_MS = 120_000;
const POLL_MS = 15;
const RECONNECT_MS = 500;
const RELEASE_TIMEOUT_MS = 15_000;
const LOG_SIZE_BYTES_MAX = 10 * 1024 * 1024;

/**
 * Starts the embedded Postgres of a data folder, or joins the one that other processes use already. It stays for as long as one
 * of them has not released it, and ends by itself seconds after the last one was killed.
 * @throws Error saying in one line what is wrong with the data folder or what Postgres printed.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const files = dataFiles(options.dataDir);
  await makeDataDir(files.dataDir);
  const hold = new Hold(files);
  const port = await hold.take(options.startTimeoutMs ?? START_TIMEOUT_MS);
  const password = (await readFile(files.password, 'utf8')).trim();
  const socket = options.preferSocket === true ? await socketParameter(files, port) : '';
  return { url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres${socket}`, release: () => hold.release() };
}

/** Parameter of a connection URL that overrules its host, empty where we cannot reach a socket. */
async function socketParameter(files: DataFiles, port: number): Promise<string> {
  const folder = await realpath(files.cluster);
  return access(socketPath(folder, port), constants.W_OK).then(
    () => `?host=${encodeURIComponent(folder)}`,
    () => '',
  );
}

/** The open line to the keeper. When the keeper is killed, a new one is started: it adopts the Postgres that runs. */
class Hold {
  private readonly files: DataFiles;
  private line: KeeperLine | null = null;
  private released = false;

  constructor(files: DataFiles) {
    this.files = files;
  }

  async take(timeoutMs: number): Promise<number> {
    const line = await reachKeeper(this.files, Date.now() + timeoutMs);
    if (this.released) {
      line.socket.destroy();
      return line.postgresPort;
    }
    this.line = line;
    line.socket.unref();
    line.socket.on('error', () => undefined);
    line.socket.once('close', () => {
      if (!this.released) void this.takeAgain();
    });
    return line.postgresPort;
  }

  async release(): Promise<void> {
    const line = this.line;
    const first = !this.released;
    this.released = true;
    if (line === null || line.socket.destroyed) return;
    line.socket.ref();
    const closed = new Promise<void>((resolve) => line.socket.once('close', () => resolve()));
    if (first) line.socket.write(`${RELEASE}\n`);
    line.socket.setTimeout(RELEASE_TIMEOUT_MS, () => line.socket.destroy());
    line.socket.resume();
    await closed;
  }

  private async takeAgain(): Promise<void> {
    while (!this.released) {
      try {
        await this.take(START_TIMEOUT_MS);
        return;
      } catch {
        // The log of the data folder says why; meanwhile every query fails as it does when any database is down.
        await delay(RECONNECT_MS, undefined, { ref: false });
      }
    }
  }
}

/** Asks for the keeper until it answers, starting one where there is none. */
async function reachKeeper(files: DataFiles, deadlineMs: number): Promise<KeeperLine> {
  let starting: StartedKeeper | null = null;
  while (Date.now() < deadlineMs) {
    const line = await askKeeper(files);
    if (line !== null) {
      // Another gateway's keeper was faster; ours must not take over when that one has long gone.
      if (starting !== null && starting.child.pid !== line.keeperPid) starting.child.kill('SIGTERM');
      return line;
    }
    if (starting === null) {
      starting = await startKeeper(files);
    } else if (starting.child.exitCode !== null || starting.child.signalCode !== null) {
      // 0: it found another keeper, which has gone again before we could ask.
      if (starting.child.exitCode !== 0) throw new Error(await failureOf(starting, files));
      starting = null;
    }
    await delay(POLL_MS);
  }
  throw new Error(`the embedded Postgres is not ready; see ${files.log}`);
}

interface StartedKeeper {
  child: ChildProcess;
  logOffset: number;
}

/** A process of its own session, without our environment: no Ctrl-C reaches it and no secret of ours is in it. */
async function startKeeper(files: DataFiles): Promise<StartedKeeper> {
  await rotateLog(files);
  const log = await open(files.log, 'a', 0o600);
  try {
    await giveToOwner(files, files.log);
    const logOffset = (await log.stat()).size;
    const child = spawn(process.execPath, [...keeperProgram(), files.dataDir], {
      cwd: '/',
      detached: true,
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'ignore', log.fd],
    });
    child.once('error', () => undefined);
    child.unref();
    return { child, logOffset };
  } finally {
    await log.close();
  }
}

/** From the build this is plain JavaScript; from the sources (tests) Node strips the types and needs the real file names. */
function keeperProgram(): string[] {
  const here = fileURLToPath(import.meta.url);
  const extension = path.extname(here);
  const program = path.join(path.dirname(here), `keeper${extension}`);
  const small = ['--no-warnings', '--max-old-space-size=64', '--max-semi-space-size=1'];
  if (extension !== '.ts') return [...small, program];
  const resolver = pathToFileURL(path.join(path.dirname(here), 'resolve-sources.ts')).href;
  return [...small, '--import', resolver, program];
}

async function failureOf({ child, logOffset }: StartedKeeper, files: DataFiles): Promise<string> {
  const said = (await readFile(files.log)).subarray(logOffset).toString('utf8');
  const marker = `[keeper ${child.pid}] `;
  const start = said.lastIndexOf(marker);
  const reason = start < 0 ? said.trim() : said.slice(start + marker.length).trim();
  return `the embedded Postgres did not start: ${reason === '' ? `see ${files.log}` : reason}`;
}

/** One generation of old log is kept. */
async function rotateLog(files: DataFiles): Promise<void> {
  const sizeBytes = await stat(files.log).then(
    (found) => found.size,
    () => 0,
  );
  if (sizeBytes > LOG_SIZE_BYTES_MAX) await rename(files.log, `${files.log}.1`);
}
