// Plain JavaScript: Jest loads it natively, outside of its transforms. The compiled project does the work.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What the teardown has to end; setup and teardown run in the same process. */
let running = null;

/** Starts an embedded Postgres for the run, unless TEST_DATABASE_URL names a server. */
export async function startDatabaseServer() {
  if (process.env.TEST_DATABASE_URL) return;
  execFileSync(resolve('node_modules/.bin/nest'), ['build'], { stdio: 'inherit' });
  const embedded = await import(pathToFileURL(resolve('dist/src/platform/database/embedded/index.js')).href);
  const dataDir = mkdtempSync(join(tmpdir(), 'joytoken-test-'));
  const server = await embedded.startEmbeddedPostgres({ dataDir });
  running = { server, dataDir };
  process.env.TEST_DATABASE_URL = server.url;
}

/** Stops what `startDatabaseServer` started and removes its data. */
export async function stopDatabaseServer() {
  if (running === null) return;
  await running.server.release();
  removeData(running.dataDir);
  running = null;
}

/** Started by root, the cluster itself may lie elsewhere, behind a symbolic link. */
function removeData(dataDir) {
  const cluster = realpathSync(join(dataDir, 'postgres'));
  if (!cluster.startsWith(realpathSync(dataDir))) rmSync(dirname(cluster), { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
}
