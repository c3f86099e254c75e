import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_DIR } from '../support/build.js';
import { chat, prompt, requestIdOf } from '../support/chat.js';
import { GatewayProcess } from '../support/gateway.js';
import { pollUntil } from '../support/poll.js';
import { World } from '../support/world.js';

let world: World;
let worker: GatewayProcess | null;

beforeAll(async () => {
  world = await World.create({ WORKERS_ENABLED: 'false' });
});

beforeEach(() => {
  worker = null;
});

afterEach(async () => {
  await worker?.stop();
});

afterAll(async () => {
  await world.destroy();
});

async function startWorker(): Promise<GatewayProcess> {
  const started = await GatewayProcess.start({ databaseUrl: world.database.url, entry: 'worker' });
  worker = started;
  const isStarted = (): Promise<true | null> => Promise.resolve(started.printed().includes('worker started') || null);
  await pollUntil(isStarted, 'the worker to start');
  return started;
}

/** Exit code of the health check of a worker's container. */
async function checkWorker(): Promise<number> {
  const check = promisify(execFile)(process.execPath, [join(PROJECT_DIR, 'dist/src/start/check-worker.js')]);
  return check.then(
    () => 0,
    (error: unknown) => (error as { code: number }).code,
  );
}

describe('a worker beside a gateway without workers', () => {
  it('settles what the gateway served, opens no door, tells its health check that it works, and ends with 0', async () => {
    const model = await world.model();
    const { key } = await world.key();
    const requestId = requestIdOf(await chat(world.url, prompt(model.key), { key }));
    const started = await startWorker();
    expect(await world.admin.settled(requestId)).toMatchObject({ status: 'settled' });
    await pollUntil(async () => ((await checkWorker()) === 0 ? true : null), 'a pulse');
    expect(started.printed()).not.toContain('http://');
    expect(await started.stop('SIGTERM')).toBe(0);
  });
});
