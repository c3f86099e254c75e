import { chat, prompt, requestIdOf } from '../support/chat.js';
import type { GatewayProcess } from '../support/gateway.js';
import { pollUntil } from '../support/poll.js';
import type { TestKey } from '../support/world.js';
import { CrashScene, SETTLED_WITHIN_MS, TIME_TO_LIVE_MS } from './crash-scene.js';

/** 20 pieces at 900 and 10 prompt tokens at 200 credits a million, as the provider counts them. */
const PRICE = '20000';
const CREDITS = '1000000000';
const LEFT = '999980000';
/** The job that is being done; those of workers that earlier tests killed are older. */
const ACTIVE_JOB = `select id from bullmq.job where state = 'active' order by processed_at_ms desc limit 1`;

/** Each point between two writes of a settlement: its worker dies exactly there, another one takes over. */
describe('a worker that is killed', () => {
  let scene: CrashScene;
  let key: TestKey;
  let worker: GatewayProcess;
  beforeAll(async () => {
    scene = await CrashScene.create();
  }, 60_000);
  afterAll(() => scene.destroy());
  beforeEach(async () => {
    key = await scene.world.key();
    worker = await scene.startWorker();
  }, 30_000);
  afterEach(async () => {
    expect(await scene.audit()).toEqual([]);
    await scene.reset();
  });

  /** A captured outcome whose settlement stands before the wallet row. */
  async function stopInTheMiddle(): Promise<{ requestId: string; backend: number; release: () => Promise<void> }> {
    const { key: model } = await scene.world.model({ behaviours: ['slow-headers-d300-n20-p10'] });
    const answer = chat(scene.world.url, prompt(model), { key: key.key });
    await scene.freezeIn(key.accountId, 'held');
    const lock = await scene.holdWallet(key.accountId);
    const requestId = requestIdOf(await answer);
    return { requestId, backend: await scene.blocked('billing_settle'), release: () => lock.release() };
  }

  async function expectChargedOnce(requestId: string): Promise<void> {
    const usage = await scene.usage(requestId);
    expect(usage).toMatchObject({ status: 'settled', credits_charged: '0.020000', shortfall: '0.000000' });
    expect(await scene.balance(key.accountId)).toEqual({ available: LEFT, frozen: '0' });
    const ends = await scene.sql.query(`select 1 from ledger_entry where freeze_id = $1 and kind = 'settle'`, [
      requestId,
    ]);
    expect(ends.rowCount).toBe(1);
  }

  it('with its job half done: nothing of it stays, another worker charges it once', async () => {
    const { requestId, backend, release } = await stopInTheMiddle();
    await worker.stop('SIGKILL');
    await scene.terminate(backend);
    await release();
    expect((await scene.freezes(key.accountId))[0]?.state).toBe('captured');
    await scene.startWorker();
    await expectChargedOnce(requestId);
  });

  it('while the database still works on its job: that ends without it, and another worker finds nothing to do', async () => {
    const { requestId, backend, release } = await stopInTheMiddle();
    await worker.stop('SIGKILL');
    await release();
    await scene.gone(backend);
    expect((await scene.freezes(key.accountId))[0]?.state).toBe('settled');
    await scene.startWorker();
    await expectChargedOnce(requestId);
  });

  it('after its commit, before the job is acknowledged: the job that runs again changes nothing', async () => {
    const { requestId, release } = await stopInTheMiddle();
    const { rows } = await scene.sql.query<{ id: string }>(ACTIVE_JOB);
    const job = [rows[0]?.id];
    const acknowledgement = await scene.hold('select from bullmq.job where id = $1 for update', job);
    await release();
    await scene.freezeIn(key.accountId, 'settled');
    const acknowledging = await scene.blocked('joytoken-gateway queue');
    await worker.stop('SIGKILL');
    await scene.terminate(acknowledging);
    await acknowledgement.release();
    await scene.startWorker();
    await expectChargedOnce(requestId);
    const unacknowledged = `select from bullmq.job where id = $1 and state = 'active'`;
    expect((await scene.sql.query(unacknowledged, job)).rowCount).toBe(1);
    // The lock of the dead worker on its job ends, and the job is done again.
    const done = async (): Promise<true | null> =>
      (await scene.sql.query(`select 1 from bullmq.job where queue like '%settlement' and state <> 'failed'`))
        .rowCount === 0
        ? true
        : null;
    await pollUntil(done, 'the job to be done again', 90_000);
    await expectChargedOnce(requestId);
  }, 150_000);

  it('with the queue lost entirely, tables and all: the outcomes are settled without jobs', async () => {
    await worker.stop('SIGKILL');
    const { key: model } = await scene.world.model({ behaviours: ['ok-n20-p10'] });
    const first = requestIdOf(await chat(scene.world.url, prompt(model), { key: key.key }));
    await scene.freezeIn(key.accountId, 'captured');
    await scene.sql.query('drop schema bullmq cascade');
    await scene.startWorker();
    await expectChargedOnce(first);
    // And under a living worker.
    await scene.sql.query('drop schema bullmq cascade');
    const second = requestIdOf(await chat(scene.world.url, prompt(model), { key: key.key }));
    expect(await scene.usage(second)).toMatchObject({ status: 'settled', credits_charged: '0.020000' });
  });

  it('while the database clock jumps: freezes of the living expire, their outcomes are the loss of the platform', async () => {
    const { key: model } = await scene.world.model({ behaviours: ['slow-headers-d3000-n20-p10'] });
    const answer = chat(scene.world.url, prompt(model), { key: key.key });
    await scene.freezeIn(key.accountId, 'held');
    await scene.sql.query(`update process_lease set lease_until = now() - interval '1 hour'`);
    await scene.freezeIn(key.accountId, 'expired', TIME_TO_LIVE_MS);
    expect((await answer).status).toBe(200);
    const late = async (): Promise<true | null> =>
      (await scene.freezes(key.accountId))[0]?.shortfall === PRICE ? true : null;
    await pollUntil(late, 'the late outcome', SETTLED_WITHIN_MS);
    expect(await scene.balance(key.accountId)).toEqual({ available: CREDITS, frozen: '0' });
  });
});

describe.each([
  ['ahead', 86_400_000],
  ['back', -86_400_000],
])('the wall clock of the processes jumps a day %s', (_where, jumpMs) => {
  const env = { NODE_OPTIONS: '--import ./dist/test/support/clock-jump.js', CLOCK_JUMP_MS: jumpMs.toString() };
  let scene: CrashScene;
  beforeAll(async () => {
    scene = await CrashScene.create(env);
  }, 60_000);
  afterAll(() => scene.destroy());

  it('in the middle of an answer: it is charged once and at its price, and what comes after it, too', async () => {
    const key = await scene.world.key({ fields: { limit_daily: '0.05' } });
    const worker = await scene.startWorker(env);
    const { key: slow } = await scene.world.model({ behaviours: ['slow-headers-d1000-n20-p10'] });
    const answer = chat(scene.world.url, prompt(slow, { max_tokens: 20 }), { key: key.key });
    await scene.freezeIn(key.accountId, 'held');
    scene.world.gateway.signal('SIGUSR2');
    worker.signal('SIGUSR2');
    const charged = { status: 'settled', credits_charged: '0.020000', shortfall: '0.000000' };
    expect(await scene.usage(requestIdOf(await answer))).toMatchObject(charged);
    const again = await chat(scene.world.url, prompt(slow, { max_tokens: 20 }), { key: key.key });
    expect(await scene.usage(requestIdOf(again))).toMatchObject(charged);
    // The day of a quota is the database's: the jump opened no new one.
    const refused = await chat(scene.world.url, prompt(slow, { max_tokens: 20 }), { key: key.key });
    expect(refused.status).toBe(402);
    expect(await scene.audit()).toEqual([]);
  });
});
