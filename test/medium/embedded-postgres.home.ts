import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/platform/database/embedded/index.js';
import { PROJECT_DIR } from '../support/build.js';
import { pollUntil } from '../support/poll.js';

const SOURCES = path.join(PROJECT_DIR, 'src/platform/database/embedded');

/** A data folder of its own, and who uses the Postgres in it. */
export class EmbeddedHome {
  private readonly holds: EmbeddedPostgres[] = [];

  private constructor(public folder: string) {}

  static async create(): Promise<EmbeddedHome> {
    return new EmbeddedHome(await mkdtemp(path.join(tmpdir(), 'joytoken-embedded-')));
  }

  async destroy(): Promise<void> {
    await Promise.all(this.holds.map((hold) => hold.release()));
    await rm(this.folder, { recursive: true, force: true });
  }

  /** One more user; `destroy` releases what it holds. */
  async start(options: { dataDir?: string; preferSocket?: boolean } = {}): Promise<EmbeddedPostgres> {
    const hold = await startEmbeddedPostgres({ dataDir: this.folder, ...options });
    this.holds.push(hold);
    return hold;
  }

  /** A process that holds the database until it is killed. */
  async startHolder(): Promise<ChildProcess> {
    const program = `
      import { startEmbeddedPostgres } from ${JSON.stringify(path.join(SOURCES, 'embedded-postgres.ts'))};
      console.log((await startEmbeddedPostgres({ dataDir: ${JSON.stringify(this.folder)} })).url);
      setInterval(() => undefined, 1000);`;
    const resolver = path.join(SOURCES, 'resolve-sources.ts');
    const args = ['--no-warnings', '--import', resolver, '--input-type=module', '-e', program];
    const env = { PATH: process.env['PATH'] };
    const holder = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
    await once(createInterface({ input: holder.stdout }), 'line');
    return holder;
  }

  async postmasterPid(): Promise<number> {
    return Number((await readFile(path.join(this.folder, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0]);
  }

  async keeperPid(): Promise<number> {
    return (JSON.parse(await readFile(path.join(this.folder, 'keeper.json'), 'utf8')) as { pid: number }).pid;
  }

  /** Gives the folder another name. */
  async move(): Promise<void> {
    const moved = `${this.folder}-moved`;
    await rename(this.folder, moved);
    this.folder = moved;
  }
}

/** The column `answer` of a query's rows. */
export async function ask<T>(url: string, sql: string): Promise<T[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ answer: T }>(sql);
    return rows.map((row) => row.answer);
  } finally {
    await client.end();
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export async function untilGone(pid: number): Promise<void> {
  await pollUntil(() => Promise.resolve(isAlive(pid) ? null : true), `the end of process ${pid}`);
}
