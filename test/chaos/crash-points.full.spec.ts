import { chat, prompt, readStream, readUntil } from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import type { TestKey } from '../support/world.js';
import { CrashScene, SETTLED_WITHIN_MS, TIME_TO_LIVE_MS } from './crash-scene.js';

/** 20 pieces at 900 and 10 prompt tokens at 200 credits a million, as the provider counts them. */
const PRICE = '20000';
const CREDITS = '1000000000';
const QUICK = 'ok-n20-p10';

/** Each point between two writes in the life of a request: the process dies exactly there. */
describe('a gateway that is killed', () => {
  let scene: CrashScene;
  let key: TestKey;
  beforeAll(async () => {
    scene = await CrashScene.create();
  }, 60_000);
  afterAll(() => scene.destroy());
  beforeEach(async () => {
    key = await scene.world.key();
  });
  afterEach(async () => {
    expect(await scene.audit()).toEqual([]);
    await scene.reset();
    await scene.world.restart();
  }, 60_000);

  /** Sends a request whose answer is lost with the gateway. */
  async function send(behaviour: string, more: Record<string, unknown> = {}): Promise<unknown> {
    const { key: model } = await scene.world.model({ behaviours: [behaviour] });
    return chat(scene.world.url, prompt(model, more), { key: key.key })
      .then(readStream)
      .catch(() => null);
  }

  async function expectGivenBack(): Promise<void> {
    await scene.startWorker();
    const freeze = await scene.freezeIn(key.accountId, 'expired', TIME_TO_LIVE_MS);
    expect(freeze).toMatchObject({ status: 'expired', credits_charged: '0', shortfall: '0' });
    expect(await scene.balance(key.accountId)).toEqual({ available: CREDITS, frozen: '0' });
  }

  async function expectChargedOnce(): Promise<void> {
    await scene.startWorker();
    const freeze = await scene.freezeIn(key.accountId, 'settled', SETTLED_WITHIN_MS);
    expect(freeze).toMatchObject({ status: 'settled', credits_charged: PRICE, shortfall: '0' });
    const available = (BigInt(CREDITS) - BigInt(PRICE)).toString();
    expect(await scene.balance(key.accountId)).toEqual({ available, frozen: '0' });
  }

  it('before its freeze takes effect has frozen nothing', async () => {
    const lock = await scene.holdWallet(key.accountId);
    const answer = send(QUICK);
    const backend = await scene.blocked('wallet_freeze_one');
    await scene.killGateway();
    await scene.terminate(backend);
    await lock.release();
    await answer;
    expect(await scene.freezes(key.accountId)).toEqual([]);
    expect(await scene.balance(key.accountId)).toEqual({ available: CREDITS, frozen: '0' });
  });

  it('while its freeze takes effect unseen: what it froze is given back', async () => {
    const lock = await scene.holdWallet(key.accountId);
    const answer = send(QUICK);
    await scene.blocked('wallet_freeze_one');
    await scene.killGateway();
    await lock.release();
    await answer;
    await scene.freezeIn(key.accountId, 'held');
    await expectGivenBack();
  });

  it('after its freeze, before the provider answers: it is given back', async () => {
    const answer = send('stall-headers');
    await scene.freezeIn(key.accountId, 'held');
    await scene.killGateway();
    await answer;
    await expectGivenBack();
  });

  it('during the stream: nothing is charged', async () => {
    const { key: model } = await scene.world.model({ behaviours: ['slow-tokens-d50-n200'] });
    const response = await chat(scene.world.url, prompt(model, { stream: true }), { key: key.key });
    await readUntil(response, ' fox');
    await scene.killGateway();
    await expectGivenBack();
  });

  it('while its freeze grows unseen: all of it is given back', async () => {
    const { key: model } = await scene.world.model({ behaviours: ['slow-tokens-d1-n3000'] });
    const body = prompt(model, { stream: true, max_tokens: 8000 });
    const response = await chat(scene.world.url, body, { key: key.key });
    const lock = await scene.holdWallet(key.accountId);
    const reading = response.text().catch(() => null);
    await scene.blocked('wallet_extend');
    await scene.killGateway();
    await lock.release();
    await reading;
    const grown = async (): Promise<true | null> =>
      (await scene.freezes(key.accountId))[0]?.extensions === 1 ? true : null;
    await pollUntil(grown, 'the extension to take effect');
    await expectGivenBack();
  });

  it('before its outcome takes effect: nothing is charged', async () => {
    const answer = send('slow-headers-d300-n20-p10');
    const { id } = await scene.freezeIn(key.accountId, 'held');
    const lock = await scene.holdFreeze(id);
    const backend = await scene.blocked('wallet_capture_one');
    await scene.killGateway();
    await scene.terminate(backend);
    await lock.release();
    await answer;
    await expectGivenBack();
  });

  it('while its outcome takes effect unseen: it is charged once', async () => {
    const answer = send('slow-headers-d300-n20-p10');
    const { id } = await scene.freezeIn(key.accountId, 'held');
    const lock = await scene.holdFreeze(id);
    await scene.blocked('wallet_capture_one');
    await scene.killGateway();
    await lock.release();
    await answer;
    await scene.freezeIn(key.accountId, 'captured');
    await expectChargedOnce();
  });

  it('after its outcome, before a job is enqueued: it is charged once', async () => {
    const answer = send(QUICK);
    await scene.freezeIn(key.accountId, 'captured');
    await scene.killGateway();
    await answer;
    await scene.sql.query('truncate bullmq.job cascade');
    await expectChargedOnce();
  });

  it('for good, while it sleeps through its lease: its outcome comes late and is the loss of the platform', async () => {
    await scene.startWorker();
    const answer = send('slow-headers-d2000-n20-p10');
    await scene.freezeIn(key.accountId, 'held');
    scene.world.gateway.signal('SIGSTOP');
    await scene.freezeIn(key.accountId, 'expired', TIME_TO_LIVE_MS);
    scene.world.gateway.signal('SIGCONT');
    await answer;
    const late = async (): Promise<true | null> =>
      (await scene.freezes(key.accountId))[0]?.shortfall === PRICE ? true : null;
    await pollUntil(late, 'the late outcome', SETTLED_WITHIN_MS);
    expect(await scene.balance(key.accountId)).toEqual({ available: CREDITS, frozen: '0' });
    await scene.world.gateway.stop();
  });
});
