import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Client } from 'pg';

/*
 * Renews the lease of this process from a thread of its own, on a connection of its own: whatever holds the event loop cannot
 * keep it from that. The file is run as it is, also before it is compiled: it imports nothing of ours.
 */

interface LeaseWork {
  databaseUrl: string;
  processId: string;
  renewSql: string;
  role: string;
  leaseMs: number;
  renewEveryMs: number;
  /** After so long without a tick of the event loop the process ends. */
  heldMaxMs: number;
  /** Grows with each tick of the event loop. */
  ticks: SharedArrayBuffer;
}

const CHECK_EVERY_MS = 250;
const STATEMENT_TIMEOUT_MS = 5_000;
const STDERR = 2;

const work = workerData as LeaseWork;
const ticks = new Int32Array(work.ticks);
let client: Client | null = null;
let isStopping = false;

async function connected(): Promise<Client> {
  if (client !== null) return client;
  const opened = new Client({
    connectionString: work.databaseUrl,
    application_name: 'joytoken-gateway lease thread',
    connectionTimeoutMillis: STATEMENT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS,
    keepAlive: true,
  });
  const forget = (): void => {
    if (client === opened) client = null;
  };
  opened.on('error', forget);
  opened.on('end', forget);
  await opened.connect();
  client = opened;
  return opened;
}

async function renew(): Promise<void> {
  try {
    await (await connected()).query(work.renewSql, [work.processId, work.role, work.leaseMs]);
  } catch (error) {
    const broken = client;
    client = null;
    broken?.end().catch(() => undefined);
    parentPort?.postMessage(String(error));
  }
}

/** The process does nothing any more: its freezes must not stay with it. Its lease ends by itself. */
function endProcess(): void {
  writeSync(STDERR, `the event loop stood still for ${work.heldMaxMs.toString()} ms: this process ends\n`);
  process.kill(process.pid, 'SIGKILL');
}

async function run(): Promise<void> {
  let seen = Atomics.load(ticks, 0);
  let seenMs = performance.now();
  let renewedMs = seenMs;
  while (!isStopping) {
    const nowMs = performance.now();
    if (Atomics.load(ticks, 0) !== seen) {
      seen = Atomics.load(ticks, 0);
      seenMs = nowMs;
    }
    if (nowMs - seenMs >= work.heldMaxMs) return endProcess();
    if (nowMs - renewedMs >= work.renewEveryMs) {
      await renew();
      renewedMs = performance.now();
    }
    await sleep(CHECK_EVERY_MS);
  }
  await client?.end();
}

parentPort?.once('message', () => {
  isStopping = true;
});
await run();
parentPort?.close();
