import { attemptsOf, type Endpoint } from '../../src/provider/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { pollUntil } from '../support/poll.js';
import { UpstreamProcess } from '../support/upstream/client.js';
import { CALLER, ProviderProcess, reasonsOf, requestOf, type EndpointMaker } from './provider.process.js';

/** Longer than a second try backs off. */
const OPEN_MS = 1_000;

/** A fault that follows one request or one caller keeps nobody else away. */
describe('requests that make providers fail', () => {
  let database: TestDatabase;
  let upstream: UpstreamProcess;
  let gateway: ProviderProcess;
  let alpha: EndpointMaker;
  let beta: EndpointMaker;

  beforeAll(async () => {
    [database, upstream] = await Promise.all([createTestDatabase(), UpstreamProcess.start()]);
    gateway = await ProviderProcess.start(database.url, { UPSTREAM_BREAKER_OPEN_MS: String(OPEN_MS) });
    alpha = await gateway.provider('alpha', upstream.url);
    beta = await gateway.provider('beta', upstream.url);
  });

  afterAll(async () => {
    await gateway.stop();
    await Promise.all([upstream.stop(), database.drop()]);
  });

  /** @returns the reasons of the attempts that failed; `served` comes last when one did not. */
  const say = async (content: string, endpoints: readonly Endpoint[], callerId = CALLER): Promise<string[]> => {
    const body = { messages: [{ role: 'user', content }] };
    try {
      const { attempts } = await gateway.json(endpoints, { callerId, body });
      return [...reasonsOf(attempts), 'served'];
    } catch (error) {
      return reasonsOf(attemptsOf(error));
    }
  };

  it('one body, however often, opens no breaker, not even for its own caller', async () => {
    const endpoints = [alpha('poison'), beta('poison')];
    for (let time = 0; time < 5; time += 1) await say('venom', endpoints);
    expect(await say('good', endpoints)).toEqual(['served']);
  });

  it('many bodies of one caller keep that caller away, and no other one', async () => {
    const endpoints = [alpha('poison'), beta('poison')];
    for (let time = 0; time < 6; time += 1) await say(`venom ${String(time)}`, endpoints);
    expect(await say('venom again', endpoints)).toEqual(['alpha=breaker_open', 'beta=breaker_open']);
    expect(gateway.providers.standing(endpoints[0]?.id ?? '')).toMatchObject({ breaker: 'open', isForOneCaller: true });
    for (let time = 0; time < 20; time += 1) expect(await say('good', endpoints, 'account-2')).toEqual(['served']);
    // A good answer has shown that the endpoint works.
    expect(await say('good', endpoints)).toEqual(['served']);
  });

  it('a caller that is alone is kept away from an endpoint that fails every request', async () => {
    const endpoint = alpha('status-503');
    for (let time = 0; time < 5; time += 1) await say(`any ${String(time)}`, [endpoint]);
    expect(await say('next', [endpoint])).toEqual(['alpha=breaker_open']);
  });

  it('faults of two callers open a breaker for all', async () => {
    const endpoint = alpha('status-503');
    for (let time = 0; time < 3; time += 1) await say(`any ${String(time)}`, [endpoint]);
    for (let time = 0; time < 2; time += 1) await say(`any ${String(time)}`, [endpoint], 'account-2');
    expect(await say('next', [endpoint], 'account-3')).toEqual(['alpha=breaker_open']);
  });

  it('a probe with a poisonous request leaves the next probe to another caller, and a good one closes at once', async () => {
    const name = 'poison-after-an-outage';
    const endpoint = alpha(name);
    await upstream.setBehaviour(name, 'status-503');
    for (const caller of ['account-2', 'account-3']) {
      for (let time = 0; time < 3; time += 1) await say(`any ${String(time)}`, [endpoint], caller);
    }
    expect(gateway.providers.standing(endpoint.id)).toMatchObject({ breaker: 'open', isForOneCaller: false });
    await upstream.setBehaviour(name, 'poison');
    const isHalfOpen = (): boolean => gateway.providers.standing(endpoint.id).breaker === 'half_open';
    await pollUntil(() => Promise.resolve(isHalfOpen() ? true : null), 'the next probe');
    expect(await say('venom', [endpoint])).toEqual(['alpha=http_500', 'alpha=breaker_open']);
    expect(await say('good', [endpoint], 'account-2')).toEqual(['served']);
    expect(await say('good', [endpoint])).toEqual(['served']);
  });

  it('a limit is a 503 where another endpoint of the model has its breaker open', async () => {
    const [limited, dead] = [alpha('status-429-r50'), beta('status-503', { modelId: 'one-model' })];
    for (let time = 0; time < 5; time += 1) await say(`any ${String(time)}`, [dead]);
    const error: unknown = await gateway.providers
      .call(requestOf([{ ...limited, modelId: 'one-model' }]))
      .catch((one: unknown) => one);
    expect(error).toMatchObject({ kind: 'unavailable', code: 'upstream_unavailable', retryAfterS: 1 });
  });
});
