import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startEmbeddedPostgres } from '../../src/platform/database/embedded/index.js';

/** The Postgres of a load run. */
export interface BenchPostgres {
  url: string;
  /** Roots of the process trees whose CPU counts as Postgres. */
  pids(): number[];
  stop(): Promise<void>;
}

/** An embedded Postgres on an empty disk of its own, with its usual settings: fsync on. */
export async function startOwnPostgres(): Promise<BenchPostgres> {
  const dataDir = mkdtempSync(join(tmpdir(), 'joytoken-bench-'));
  const server = await startEmbeddedPostgres({ dataDir });
  const postmaster = Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
  return {
    url: server.url,
    pids: () => [postmaster],
    stop: async () => {
      await server.release();
      removeDataDir(dataDir);
    },
  };
}

/** A Postgres that runs already; it must be on this machine and otherwise idle for its CPU to be true. */
export function givenPostgres(url: string): BenchPostgres {
  return { url, pids: postgresPids, stop: () => Promise.resolve() };
}

/** Removes a data folder and, where root started it, the cluster it links to. */
export function removeDataDir(dataDir: string): void {
  const cluster = realpathSync(join(dataDir, 'postgres'));
  if (!cluster.startsWith(realpathSync(dataDir))) rmSync(dirname(cluster), { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
}

function postgresPids(): number[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      return readFileSync(`/proc/${entry}/comm`, 'utf8').trim() === 'postgres' ? [Number(entry)] : [];
    } catch {
      return [];
    }
  });
}
