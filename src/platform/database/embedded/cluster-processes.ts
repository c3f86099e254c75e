import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ORPHAN_TIMEOUT_MS = 2_000;
const POLL_MS = 20;

/**
 * Whether a process is a Postgres of this cluster: the main one or one of its children. After a reboot a process id may belong to
 * anybody, so name and working folder decide. A dead one that nobody has reaped is none.
 */
export async function worksOn(pid: number, folder: string): Promise<boolean> {
  if (process.platform !== 'linux') return (await postgresProcesses(folder)).includes(pid);
  if ((await readText(`/proc/${pid}/comm`)).trim() !== 'postgres') return false;
  // All of Postgres works where its cluster is; that also tells when the folder was moved while it ran.
  const works = await readlink(`/proc/${pid}/cwd`).catch(() => null);
  if (works !== null) return works === folder;
  // Not allowed to look (root in a container without ptrace), or dead: what it was started with, unless that is gone.
  const words = (await readText(`/proc/${pid}/cmdline`)).split('\0');
  const named = words.includes('-D') ? words[words.indexOf('-D') + 1] : undefined;
  return named !== undefined && (named === folder || !existsSync(named));
}

function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}

/**
 * Waits for the children of a main process that was killed: they end by themselves as soon as they notice, and must not write
 * beside those of a new one. Those that do not notice are killed, which is safe once nothing of the old instance goes on.
 */
export async function endOrphans(folder: string): Promise<void> {
  const deadlineMs = Date.now() + ORPHAN_TIMEOUT_MS;
  let orphans = await postgresProcesses(folder);
  while (orphans.length > 0) {
    if (Date.now() > deadlineMs) orphans.forEach(kill);
    await delay(POLL_MS);
    orphans = await postgresProcesses(folder);
  }
}

async function postgresProcesses(folder: string): Promise<number[]> {
  if (process.platform !== 'linux') {
    const { stdout } = await run('ps', ['-axo', 'pid=,command=']);
    const lines = stdout.split('\n').filter((line) => line.includes(` -D ${folder} `));
    return lines.map((line) => Number.parseInt(line, 10));
  }
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const found = await Promise.all(pids.map(async (pid) => ((await worksOn(pid, folder)) ? [pid] : [])));
  return found.flat();
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone by itself meanwhile.
  }
}
