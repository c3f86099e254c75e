import { attemptsOf, type Endpoint } from '../../src/provider/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { UpstreamProcess } from '../support/upstream/client.js';
import { CALLER, ProviderProcess, reasonsOf, requestOf, type EndpointMaker } from './provider.process.js';

describe('second tries and limits', () => {
  let database: TestDatabase;
  let upstream: UpstreamProcess;
  let gateway: ProviderProcess;
  let alpha: EndpointMaker;
  let beta: EndpointMaker;
  let gamma: EndpointMaker;

  beforeAll(async () => {
    [database, upstream] = await Promise.all([createTestDatabase(), UpstreamProcess.start()]);
    gateway = await ProviderProcess.start(database.url);
    alpha = await gateway.provider('alpha', upstream.url);
    beta = await gateway.provider('beta', upstream.url);
    gamma = await gateway.provider('gamma', upstream.url);
  });

  afterAll(async () => {
    await gateway.stop();
    await Promise.all([upstream.stop(), database.drop()]);
  });

  /** A model name of its own at the upstream, with these behaviours one call after the other: limits are kept by name. */
  let named = 0;
  const behaving = async (make: EndpointMaker, ...behaviours: string[]): Promise<Endpoint> => {
    const name = `tries-${String((named += 1))}`;
    await upstream.setBehaviour(name, ...behaviours);
    return make(name);
  };
  const failureOf = (endpoints: readonly Endpoint[]): Promise<unknown> =>
    gateway.providers.call(requestOf(endpoints)).catch((one: unknown) => one);

  it('the first try of each endpoint comes before a second one of any', async () => {
    const answer = await gateway.json([alpha('status-500'), beta('status-500'), gamma('ok-n4')]);
    expect(reasonsOf(answer.attempts)).toEqual(['alpha=http_500', 'beta=http_500']);
    expect(answer.endpoint.providerName).toBe('gamma');
  });

  it.each(['reset', 'close'])('a connection that ends at once: the next endpoint, and no wait: %s', async (model) => {
    const answer = await gateway.json([alpha(model), beta('ok')]);
    expect(reasonsOf(answer.attempts)).toEqual(['alpha=reset']);
  });

  it.each(['reset', 'close', 'status-500'])(
    'a single fault gets a second try where no endpoint is left: %s',
    async (fault) => {
      const flaky = await behaving(alpha, fault, 'ok-n3');
      const answer = await gateway.json([flaky, beta('status-503')]);
      expect(answer.endpoint.providerName).toBe('alpha');
      expect(answer.attempts.map(({ provider }) => provider)).toEqual(['alpha', 'beta', 'alpha']);
    },
  );

  it('a second try backs off', async () => {
    const startedMs = performance.now();
    const answer = await gateway.json([await behaving(alpha, 'status-500', 'ok')]);
    expect(reasonsOf(answer.attempts)).toEqual(['alpha=http_500']);
    expect(performance.now() - startedMs).toBeGreaterThan(95);
  });

  it('an endpoint gets no third try', async () => {
    expect(attemptsOf(await failureOf([alpha('status-500')]))).toHaveLength(2);
  });

  it('a connection that ends after a long silence gets no second try', async () => {
    const error = await failureOf([await behaving(alpha, 'close-d2200')]);
    expect(error).toMatchObject({ kind: 'deadline' });
    expect(reasonsOf(attemptsOf(error))).toEqual(['alpha=reset_after_silence']);
  });

  it('a short Retry-After is not waited for while another endpoint is ready', async () => {
    const startedMs = performance.now();
    const limited = await behaving(alpha, 'status-429-r1', 'ok');
    const answer = await gateway.json([limited, beta('ok')]);
    expect(answer.endpoint.providerName).toBe('beta');
    expect(performance.now() - startedMs).toBeLessThan(900);
    // Nor is a limit that is remembered.
    const next = await gateway.json([limited, beta('ok')]);
    expect(reasonsOf(next.attempts)).toEqual([]);
  });

  it('a short Retry-After is waited for where every other endpoint has failed', async () => {
    const answer = await gateway.json([await behaving(alpha, 'status-429-r1', 'ok'), beta('status-503')]);
    expect(reasonsOf(answer.attempts)).toEqual(['alpha=http_429', 'beta=http_503']);
  });

  it('every endpoint at its limit is a 429 with the time of the first one that is ready again', async () => {
    const endpoints = [alpha('status-429-r30'), beta('status-429-r7')];
    const limited = { kind: 'rate_limited', code: 'upstream_rate_limited', retryAfterS: 7 };
    expect(await failureOf(endpoints)).toMatchObject(limited);
    const remembered = await failureOf(endpoints);
    expect(remembered).toMatchObject(limited);
    expect(reasonsOf(attemptsOf(remembered))).toEqual(['beta=retry_after', 'alpha=retry_after']);
  });

  it('a limit and another fault together are a 503', async () => {
    expect(await failureOf([alpha('status-429-r40'), beta('status-503')])).toMatchObject({
      kind: 'unavailable',
      code: 'upstream_unavailable',
      retryAfterS: 1,
    });
  });

  it('a 429 without Retry-After is remembered for a while, longer each time', async () => {
    const limited = await behaving(alpha, 'status-429');
    expect(await failureOf([limited])).toMatchObject({ kind: 'rate_limited', retryAfterS: 1 });
    expect(reasonsOf((await gateway.json([limited, beta('ok')])).attempts)).toEqual([]);
    // Alone it is waited for, and met again.
    expect(await failureOf([limited])).toMatchObject({ kind: 'rate_limited', retryAfterS: 2 });
  });

  it('endpoints of one provider with one upstream model share its limit', async () => {
    const limited = await behaving(alpha, 'status-429-r20');
    const sibling = alpha(limited.upstreamModel);
    await failureOf([limited]);
    const error = await failureOf([sibling]);
    expect(error).toMatchObject({ kind: 'rate_limited' });
    expect(reasonsOf(attemptsOf(error))).toEqual(['alpha=retry_after']);
    expect(gateway.providers.isReady(sibling.id, CALLER)).toBe(false);
  });

  it('an overloaded server that asks for time is no limit of the account', async () => {
    const overloaded = [await behaving(alpha, 'status-503-r20')];
    await failureOf(overloaded);
    expect(await failureOf(overloaded)).toMatchObject({ kind: 'upstream_failed', retryAfterS: 20 });
  });

  it('attempts at an earlier choice of model leave this one all its own', async () => {
    const earlier = await failureOf([
      alpha('status-503'),
      beta('status-503'),
      gamma('status-503'),
      alpha('status-502'),
    ]);
    const endpoints = [alpha('status-503'), beta('ok')];
    const answer = await gateway.json(endpoints, { earlierAttempts: attemptsOf(earlier) });
    expect(answer.endpoint.providerName).toBe('beta');
  });

  it.each([
    ['status-503', { kind: 'upstream_failed', retryAfterS: 1 }],
    ['status-401', { kind: 'upstream_failed', retryAfterS: 30 }],
  ])('says when another try makes sense: %s', async (model, expected) => {
    expect(await failureOf([alpha(model)])).toMatchObject(expected);
  });
});
