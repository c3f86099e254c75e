import { chat, chatStream, prompt, readUntil, requestIdOf, type Completion } from '../support/chat.js';
import { pollUntil, refusesConnections } from '../support/poll.js';
import { unique, type TestKey } from '../support/world.js';
import { CrashScene } from './crash-scene.js';

/** 30 pieces at 900 and 10 prompt tokens at 200 credits a million. */
const PRICE = '29000';

describe.each([
  ['with workers of its own', { WORKERS_ENABLED: 'true' }],
  ['beside a worker', { WORKERS_ENABLED: 'false' }],
])('a gateway that is asked to end, %s', (_how, env) => {
  let scene: CrashScene;
  let key: TestKey;
  beforeAll(async () => {
    scene = await CrashScene.create(env);
    key = await scene.world.key();
    if (env.WORKERS_ENABLED === 'false') await scene.startWorker();
  });
  afterAll(() => scene.destroy());

  /** Streams, reads a little and leaves; the upstream notices unless it is read to the end. @returns the id of the request. */
  async function leave(upstreamModel: string, hangupBilling: 'drain' | 'estimate'): Promise<string> {
    const marker = unique('leaver');
    const provider = { hangup_billing: hangupBilling };
    const { key: model } = await scene.world.model({ behaviours: [upstreamModel], provider });
    const leaving = new AbortController();
    const body = prompt(model, { stream: true, user: marker });
    const response = await chat(scene.world.url, body, { key: key.key, signal: leaving.signal });
    await readUntil(response, ' fox');
    leaving.abort();
    if (hangupBilling === 'estimate') await scene.world.upstream.callWhen(marker, (call) => call.hungUpAtMs !== null);
    return requestIdOf(response);
  }

  it('finishes every answer, also those that it reads to the end for callers who left, and leaves nothing frozen', async () => {
    const upstreamModel = unique('gate');
    await scene.world.upstream.setBehaviour(upstreamModel, 'held-a5-n30-p10');
    const { key: model } = await scene.world.model({ behaviours: [upstreamModel] });
    const marker = unique('running');
    const body = prompt(model, { user: marker });
    const streamed = chatStream(scene.world.url, body, { key: key.key });
    const plain = chat(scene.world.url, body, { key: key.key });
    const seen = async (): Promise<true | null> =>
      (await scene.world.upstream.calls(marker)).length === 2 ? true : null;
    await pollUntil(seen, 'both calls at the upstream');
    const [drained, cancelled] = await Promise.all([leave(upstreamModel, 'drain'), leave(upstreamModel, 'estimate')]);
    const ended = scene.world.gateway.stop('SIGTERM');
    await pollUntil(() => refusesConnections(scene.world.url), 'refused connections');
    await scene.world.upstream.setBehaviour(upstreamModel, 'ok');

    expect((await streamed).done).toBe(true);
    expect(((await (await plain).json()) as Completion).usage.completion_tokens).toBe(30);
    expect(await ended).toBe(0);
    const none = async (): Promise<true | null> =>
      (await scene.freezes(key.accountId)).every(({ status }) => status !== null) ? true : null;
    if (env.WORKERS_ENABLED === 'false') await pollUntil(none, 'the worker to settle');
    const freezes = new Map((await scene.freezes(key.accountId)).map((freeze) => [freeze.id, freeze]));
    expect([...freezes.values()].map(({ state }) => state)).toEqual(Array(4).fill('settled'));
    expect(freezes.get(drained)?.credits_charged).toBe(PRICE);
    expect(Number(freezes.get(cancelled)?.credits_charged)).toBeGreaterThan(0);
    expect(Number(freezes.get(cancelled)?.credits_charged)).toBeLessThan(Number(PRICE));
    expect(await scene.audit()).toEqual([]);
  });
});

it('bills what was delivered when a call that is read to the end does not end in time', async () => {
  const scene = await CrashScene.create({ WORKERS_ENABLED: 'true', SHUTDOWN_TIMEOUT_MS: '300' });
  try {
    const key = await scene.world.key();
    const provider = { hangup_billing: 'drain' };
    const { key: model } = await scene.world.model({ behaviours: ['stall-a5-n30'], provider });
    const leaving = new AbortController();
    const body = prompt(model, { stream: true });
    const response = await chat(scene.world.url, body, { key: key.key, signal: leaving.signal });
    await readUntil(response, ' jumps');
    leaving.abort();
    expect(await scene.world.gateway.stop('SIGTERM')).toBe(0);
    const [freeze] = await scene.freezes(key.accountId);
    expect(freeze).toMatchObject({ state: 'settled', shortfall: '0' });
    expect(Number(freeze?.credits_charged)).toBeGreaterThan(4 * 900);
    expect(await scene.audit()).toEqual([]);
  } finally {
    await scene.destroy();
  }
});
