import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/platform/database/embedded/index.js';
import { removeDataDir } from '../bench/postgres.js';
import { chat, chatStream, prompt, readStream, requestIdOf, type StreamedAnswer } from '../support/chat.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { pollUntil } from '../support/poll.js';
import type { TestKey } from '../support/world.js';
import { CrashScene, TIME_TO_LIVE_MS } from './crash-scene.js';

/** A Postgres of its own, because it is killed. */
describe('Postgres that is killed under load', () => {
  let dataDir: string;
  let server: EmbeddedPostgres;
  let scene: CrashScene;
  let key: TestKey;
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'joytoken-crash-'));
    server = await startEmbeddedPostgres({ dataDir });
    scene = await CrashScene.create({ WORKERS_ENABLED: 'true' }, await databaseOn(server.url));
  }, 120_000);
  afterAll(async () => {
    await scene.destroy();
    await server.release();
    removeDataDir(dataDir);
  }, 60_000);

  /** Restarts itself: all backends end, and what was committed is read from the log again. */
  async function killBackend(): Promise<void> {
    const { rows } = await scene.sql.query<{ pid: number }>('select pg_backend_pid() as pid');
    process.kill(rows[0]?.pid ?? 0, 'SIGKILL');
  }

  /** The keeper starts another one. */
  function killPostmaster(): Promise<void> {
    const pid = Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
    process.kill(pid, 'SIGKILL');
    return Promise.resolve();
  }

  async function untilItAnswers(): Promise<void> {
    const asked = async (): Promise<true | null> =>
      scene.sql.query('select 1').then(
        () => true,
        () => null,
      );
    await pollUntil(asked, 'Postgres to answer again', 60_000);
  }

  it.each([
    ['a backend', killBackend],
    ['the postmaster', killPostmaster],
  ])(
    '%s: whole answers are charged as they said, the rest is given back, and freezes of the living survive',
    async (_what, kill) => {
      key = await scene.world.key();
      const names = ['ok-n20-p10', 'slow-tokens-d5-n40-p10', 'slow-headers-d100-n10-p10'];
      const models = await Promise.all(names.map((name) => scene.world.model({ behaviours: [name] })));
      const { key: long } = await scene.world.model({ behaviours: ['slow-tokens-d100-n130-p10'] });
      const longest = await chat(scene.world.url, prompt(long, { stream: true }), { key: key.key });
      const whole = new Map<string, string>();
      let running = true;
      const callers = Array.from({ length: 16 }, async (_, at) => {
        while (running) {
          const answer: StreamedAnswer | null = await chatStream(
            scene.world.url,
            prompt(models[at % models.length]?.key),
            { key: key.key },
          ).catch(() => null);
          if (answer?.done === true)
            whole.set(requestIdOf(answer.response), answer.metadata?.billing.credits_used ?? '');
        }
      });
      await pollUntil(() => Promise.resolve(whole.size > 60 ? true : null), 'some load', 20_000);
      await kill();
      await untilItAnswers();
      const before = whole.size;
      await pollUntil(() => Promise.resolve(whole.size > before + 60 ? true : null), 'load again', 30_000);
      running = false;
      await Promise.all(callers);
      const last = await readStream(longest);
      expect(last.done).toBe(true);
      whole.set(requestIdOf(longest), last.metadata?.billing.credits_used ?? '');

      const open = async (): Promise<true | null> =>
        (await scene.freezes(key.accountId)).every(({ status }) => status !== null) ? true : null;
      await pollUntil(open, 'every freeze to end', TIME_TO_LIVE_MS);
      const settled = new Map((await scene.freezes(key.accountId)).map((freeze) => [freeze.id, freeze]));
      for (const [id, price] of whole) {
        const micros = Math.round(Number(price) * 1_000_000).toString();
        expect(settled.get(id)).toMatchObject({ state: 'settled', credits_charged: micros, shortfall: '0' });
      }
      expect(await scene.audit()).toEqual([]);
    },
    150_000,
  );
});

async function databaseOn(serverUrl: string): Promise<TestDatabase> {
  const given = process.env['TEST_DATABASE_URL'];
  process.env['TEST_DATABASE_URL'] = serverUrl;
  try {
    return await createTestDatabase();
  } finally {
    process.env['TEST_DATABASE_URL'] = given;
  }
}
