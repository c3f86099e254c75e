import { chat, chatStream, prompt, requestIdOf } from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import { RedisProcess } from '../support/redis-process.js';
import type { TestKey } from '../support/world.js';
import { CrashScene, SETTLED_WITHIN_MS, TIME_TO_LIVE_MS } from './crash-scene.js';

/** 20 pieces at 900 and 10 prompt tokens at 200 credits a million, as the provider counts them. */
const PRICE_MICROS = 20_000n;
const CREDITS_MICROS = 1_000_000_000n;
const OUTCOMES = 12;
const HELD = 3;
const CALLERS = 8;
const ANSWERS_BEFORE = 30;

/** A queue whose storage can be lost with everything in it. */
interface LostQueue {
  env: Record<string, string>;
  lose(scene: CrashScene): Promise<void>;
  stop(): Promise<void>;
}

const QUEUES: Record<string, () => Promise<LostQueue>> = {
  'on Postgres, tables and all': () =>
    Promise.resolve({
      env: {},
      lose: async ({ sql }: CrashScene) => {
        await sql.query('drop schema bullmq cascade');
      },
      stop: () => Promise.resolve(),
    }),
};
// Redis is a subject wherever REDIS_URL says that there is one; this one is killed, so it has to be the test's own.
if (process.env['REDIS_URL'] !== undefined) {
  QUEUES['on Redis, which is killed and comes back empty'] = async () => {
    const redis = await RedisProcess.start();
    return { env: { REDIS_URL: redis.url }, lose: () => redis.loseEverything(), stop: () => redis.stop() };
  };
}

describe.each(Object.keys(QUEUES))('the queue is lost entirely, %s', (name) => {
  let queue: LostQueue;
  let scene: CrashScene;
  let key: TestKey;
  beforeAll(async () => {
    queue = (await QUEUES[name]?.()) as LostQueue;
    scene = await CrashScene.create(queue.env);
  }, 60_000);
  afterAll(async () => {
    await scene.destroy();
    await queue.stop();
  }, 60_000);
  beforeEach(async () => {
    key = await scene.world.key();
  });
  afterEach(async () => {
    expect(await scene.audit()).toEqual([]);
    await scene.reset();
    await scene.killGateway();
    await scene.world.restart();
  }, 60_000);

  /** Ids of the key's freezes by their state. */
  async function statesOf(): Promise<Map<string, string[]>> {
    const freezes = await scene.freezes(key.accountId);
    const groups = Map.groupBy(freezes, ({ state }) => state);
    return new Map([...groups].map(([state, members]) => [state, members.map(({ id }) => id)]));
  }

  const untilThere = async (state: string, count: number, timeoutMs: number): Promise<string[]> => {
    const ask = async (): Promise<string[] | null> => {
      const ids = (await statesOf()).get(state) ?? [];
      return ids.length === count ? ids : null;
    };
    return pollUntil(ask, `${count.toString()} ${state} freezes`, timeoutMs);
  };

  /** Every one was settled at its price by exactly one ledger row. */
  async function expectChargedOnce(ids: readonly string[]): Promise<void> {
    const { rows } = await scene.sql.query<{ charged: string; ends: string }>(
      `select u.credits_charged as charged, count(*) as ends from usage_record u
        join ledger_entry e on e.account_id = u.account_id and e.freeze_id = u.request_id and e.kind = 'settle'
        where u.request_id = any($1) and u.status = 'settled' and u.shortfall = 0 group by u.request_id, u.credits_charged`,
      [ids],
    );
    expect(rows).toEqual(ids.map(() => ({ charged: PRICE_MICROS.toString(), ends: '1' })));
  }

  it('while outcomes wait and the gateway dies: outcomes are charged once, the rest is released', async () => {
    const { key: quick } = await scene.world.model({ behaviours: ['ok-n20-p10'] });
    const { key: silent } = await scene.world.model({ behaviours: ['stall-headers'] });
    const lost = Array.from({ length: HELD }, () =>
      chat(scene.world.url, prompt(silent), { key: key.key }).catch(() => null),
    );
    await untilThere('held', HELD, 10_000);
    await Promise.all(Array.from({ length: OUTCOMES }, () => chat(scene.world.url, prompt(quick), { key: key.key })));
    const captured = await untilThere('captured', OUTCOMES, 10_000);
    await queue.lose(scene);
    await scene.killGateway();
    await Promise.all(lost);
    await scene.startWorker(queue.env);
    await untilThere('settled', OUTCOMES, SETTLED_WITHIN_MS);
    await expectChargedOnce(captured);
    await untilThere('expired', HELD, TIME_TO_LIVE_MS);
    const available = (CREDITS_MICROS - BigInt(OUTCOMES) * PRICE_MICROS).toString();
    expect(await scene.balance(key.accountId)).toEqual({ available, frozen: '0' });
  });

  it('under load, with a worker and a gateway that live on: every whole answer is charged once', async () => {
    await scene.startWorker(queue.env);
    const { key: model } = await scene.world.model({ behaviours: ['ok-n20-p10'] });
    const whole: string[] = [];
    let running = true;
    const caller = async (): Promise<void> => {
      while (running) {
        const answer = await chatStream(scene.world.url, prompt(model), { key: key.key });
        if (answer.done) whole.push(requestIdOf(answer.response));
      }
    };
    const callers = Array.from({ length: CALLERS }, caller);
    const answered = (count: number): Promise<true> =>
      pollUntil(() => Promise.resolve(whole.length >= count ? true : null), 'answers', 30_000);
    await answered(ANSWERS_BEFORE);
    await queue.lose(scene);
    await answered(whole.length + ANSWERS_BEFORE);
    running = false;
    await Promise.all(callers);
    await untilThere('settled', whole.length, TIME_TO_LIVE_MS);
    await expectChargedOnce(whole);
  }, 120_000);
});
