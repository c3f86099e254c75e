import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { AppError } from '../../src/platform/errors/index.js';
import { attemptsOf, CallerGoneError, type Endpoint } from '../../src/provider/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { pollUntil, promised } from '../support/poll.js';
import { textOf } from '../support/upstream/answer.js';
import { UpstreamProcess } from '../support/upstream/client.js';
import { CALLER, PROVIDER_KEY, ProviderProcess, reasonsOf, requestOf, type EndpointMaker } from './provider.process.js';

describe('whole answers and failover', () => {
  let database: TestDatabase;
  let upstream: UpstreamProcess;
  let gateway: ProviderProcess;
  let alpha: EndpointMaker;
  let beta: EndpointMaker;
  let gamma: EndpointMaker;
  let refusing: EndpointMaker;

  beforeAll(async () => {
    [database, upstream] = await Promise.all([createTestDatabase(), UpstreamProcess.start()]);
    gateway = await ProviderProcess.start(database.url);
    alpha = await gateway.provider('alpha', upstream.url);
    beta = await gateway.provider('beta', upstream.url);
    gamma = await gateway.provider('gamma', upstream.url);
    refusing = await gateway.provider('refusing', `http://127.0.0.1:${String(await freePort())}/v1`);
  });

  afterAll(async () => {
    await gateway.stop();
    await Promise.all([upstream.stop(), database.drop()]);
  });

  it('a field that an adapter has no word for says nothing about its endpoint', async () => {
    const another = await ProviderProcess.start(database.url, { UPSTREAM_BREAKER_OPEN_MS: '100' });
    try {
      const sick = (await another.provider('sick', upstream.url))('status-503', { adapter: 'anthropic' });
      const ask = (body: Record<string, unknown>): Promise<unknown> =>
        another.providers.call(requestOf([sick], { body })).catch((one: unknown) => one);
      const messages = [{ role: 'user', content: 'hi' }];
      for (let fault = 0; fault < 5; fault += 1) await ask({ messages, seed: fault });
      const isHalfOpen = (): boolean => another.providers.standing(sick.id).breaker === 'half_open';
      await pollUntil(() => Promise.resolve(isHalfOpen() ? true : null), 'the next probe');
      expect(await ask({ messages, n: 2 })).toMatchObject({ kind: 'invalid_request', param: 'n' });
      expect(isHalfOpen() && another.providers.endpointHealth(sick.id, CALLER)).toBe(true);
    } finally {
      await another.stop();
    }
  });

  const failureOf = async (endpoints: readonly Endpoint[], stream = false): Promise<AppError> => {
    const error: unknown = await gateway.providers.call(requestOf(endpoints, { stream })).catch((one: unknown) => one);
    if (error instanceof AppError) return error;
    throw new Error(`not an AppError: ${String(error)}`);
  };

  it('returns the body as the provider sent it, with normalised usage', async () => {
    const { body, summary } = await gateway.json([alpha('ok-n7-p50-c20')]);
    expect(body).toMatchObject({ id: 'chatcmpl-upstream', model: 'ok-n7-p50-c20', usage: { prompt_tokens: 50 } });
    expect(summary).toMatchObject({
      usage: { inputTokens: 30, cachedInputTokens: 20, outputTokens: 7, cachedOutputTokens: 0 },
      complete: true,
      attempts: [{ provider: 'alpha', upstreamModel: 'ok-n7-p50-c20', status: 200, failure: null }],
    });
  });

  it('sends the whole request with the model of the endpoint and the key of the provider, and nothing of its own', async () => {
    const label = 'sent-1';
    const sent = {
      model: 'test/echo',
      messages: [{ role: 'user', content: label, extra_content: { google: { thought_signature: 'abc==' } } }],
      tools: null,
      stream: null,
      temperature: 0.1,
      some_unknown_field: { nested: [1, null, 'ü'] },
    };
    await gateway.json([alpha('echo')], { body: sent });
    const call = await upstream.callWhen(label, ({ endedAtMs }) => endedAtMs !== null);
    // `null` means absent, and strict servers refuse it.
    const { tools: _tools, stream: _stream, ...rest } = sent;
    expect(JSON.parse(call.body)).toEqual({ ...rest, model: 'echo' });
    expect(call.headers).toMatchObject({
      authorization: `Bearer ${PROVIDER_KEY}`,
      'content-type': 'application/json',
      'accept-encoding': 'identity',
    });
    expect(Object.keys(call.headers).sort()).toEqual(
      ['accept', 'accept-encoding', 'authorization', 'connection', 'content-length', 'content-type', 'host'].concat(
        'user-agent',
      ),
    );
  });

  it.each([
    [false, undefined],
    [true, { include_usage: true, chunk_size: 3 }],
  ])('sends stream_options only with a stream: %s', async (stream, expected) => {
    const label = `options-${String(stream)}`;
    const body = { messages: [{ role: 'user', content: label }], stream_options: { chunk_size: 3 } };
    const answer = await gateway.providers.call(requestOf([alpha('ok')], { body, stream }));
    if (answer.kind === 'stream') await answer.events[Symbol.asyncIterator]().return?.();
    const call = await upstream.callWhen(label, () => true);
    expect((JSON.parse(call.body) as Record<string, unknown>)['stream_options']).toEqual(expected);
  });

  it('tries endpoints in their order and says why each failed', async () => {
    const answer = await gateway.json([alpha('status-503'), beta('broken-json'), gamma('ok-n4')]);
    expect(answer.endpoint.providerName).toBe('gamma');
    expect(reasonsOf(answer.attempts)).toEqual(['alpha=http_503', 'beta=broken_json']);
    expect(answer.summary.usage).toMatchObject({ outputTokens: 4 });
  });

  it.each([
    ['html', 'broken_json', 'endpoint_fault'],
    ['cut', 'cut', 'endpoint_fault'],
    ['status-401', 'http_401', 'operator_fault'],
    ['status-402', 'http_402', 'operator_fault'],
    ['status-403', 'http_403', 'operator_fault'],
    ['status-404', 'http_404', 'operator_fault'],
    ['status-502', 'http_502', 'endpoint_fault'],
    ['status-429', 'http_429', 'rate_limited'],
  ])('%s is a failure that the next endpoint makes good', async (model, reason, failure) => {
    const answer = await gateway.json([alpha(model), beta('ok')]);
    expect(answer.attempts[0]).toMatchObject({ provider: 'alpha', reason, failure });
    expect(answer.attempts[1]).toMatchObject({ provider: 'beta', failure: null });
  });

  it('a refused connection costs no second try', async () => {
    const answer = await gateway.json([refusing('ok'), beta('ok')]);
    expect(reasonsOf(answer.attempts)).toEqual(['refusing=connect_refused']);
  });

  it.each([
    ['headers', 'stall-headers', { headersMs: 120 }],
    ['idle', 'stall-a1', { idleMs: 120 }],
    ['total', 'stall-headers', { totalMs: 120 }],
  ])('a silent endpoint is left after its %s time-out and not asked again', async (phase, model, timeouts) => {
    const startedMs = performance.now();
    const answer = await gateway.json([alpha(model, { timeouts }), beta('ok')]);
    expect(reasonsOf(answer.attempts)).toEqual([`alpha=timeout_${phase}`]);
    expect(performance.now() - startedMs).toBeLessThan(promised(1_000));
    expect(performance.now() - startedMs).toBeGreaterThan(110);
  });

  it('a server that takes the connection and never speaks is left after the connect time-out', async () => {
    const taken: Socket[] = [];
    const silent = createServer((socket) => taken.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const mute = await gateway.provider('mute', `https://127.0.0.1:${String(port)}/v1`);
    const answer = await gateway.json([mute('ok', { timeouts: { connectMs: 120 } }), beta('ok')]);
    expect(reasonsOf(answer.attempts)).toEqual(['mute=timeout_connect']);
    silent.close();
    for (const socket of taken) socket.destroy();
  });

  it.each([400, 413, 422])('%s is the caller’s fault: no failover, the upstream’s own explanation', async (status) => {
    const error = await failureOf([alpha(`status-${String(status)}`), beta('ok')]);
    expect(error).toMatchObject({
      kind: 'invalid_request',
      message: `Upstream answers ${String(status)}`,
      code: `upstream_${String(status)}`,
    });
    expect(attemptsOf(error)).toMatchObject([{ provider: 'alpha', failure: 'caller_fault', status }]);
  });

  it('what one provider cannot do is asked of another, once each, before it is the caller’s 400', async () => {
    const messages = [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: 'the' },
    ];
    const ask = (endpoints: readonly Endpoint[]): Promise<unknown> =>
      gateway.providers.call(requestOf(endpoints, { body: { messages } })).catch((error: unknown) => error);
    expect(await ask([alpha('no-prefill'), alpha('ok'), beta('ok')])).toMatchObject({
      attempts: [
        { provider: 'alpha', failure: 'caller_fault' },
        { provider: 'beta', failure: null },
      ],
    });
    const error = await ask([alpha('no-prefill'), beta('no-prefill')]);
    expect(error).toMatchObject({ kind: 'invalid_request', code: 'invalid_prefill' });
    expect(reasonsOf(attemptsOf(error))).toEqual(['alpha=http_400', 'beta=http_400']);
  });

  it('cleans keys, addresses and URLs out of what an upstream says', async () => {
    const { message, code } = await failureOf([alpha('leak-400')]);
    expect(message).toContain("Bad value for 'seed'");
    expect(message).not.toMatch(/sk-|Bearer (?!\[removed\])|http|127\.0|10\.1|secret|internal|\d{4}/);
    expect(code).toBe('invalid_value');
  });

  it('answers 502 when every endpoint failed, and tells nobody where', async () => {
    const error = await failureOf([alpha('status-503'), refusing('ok')]);
    expect(error).toMatchObject({ kind: 'upstream_failed', code: 'upstream_failed' });
    expect(error.message).not.toMatch(/127|alpha|refusing/);
    expect(reasonsOf(attemptsOf(error))).toEqual(['alpha=http_503', 'refusing=connect_refused']);
  });

  it('answers 504 when the call has no time left', async () => {
    const error = await failureOf([alpha('stall-headers', { timeouts: { totalMs: 150 } })]);
    expect(error).toMatchObject({ kind: 'deadline', code: 'upstream_timeout' });
  });

  it('ends after the configured number of attempts', async () => {
    const endpoints = Array.from({ length: 6 }, () => alpha('status-503'));
    expect(attemptsOf(await failureOf(endpoints))).toHaveLength(4);
  });

  it('takes an endpoint out of service after five failures in a row, then answers 503', async () => {
    const dead = refusing('ok');
    for (let call = 0; call < 5; call += 1) {
      expect(gateway.providers.endpointHealth(dead.id, CALLER)).toBe(true);
      await failureOf([dead]);
    }
    expect(gateway.providers.endpointHealth(dead.id, CALLER)).toBe(false);
    const error = await failureOf([dead]);
    expect(error).toMatchObject({ kind: 'unavailable', code: 'upstream_unavailable' });
    expect(error.retryAfterS).toBeGreaterThan(0);
    expect(attemptsOf(error)).toMatchObject([{ failure: 'breaker_open', reason: 'breaker_open' }]);
    expect(reasonsOf((await gateway.json([dead, beta('ok')])).attempts)).toEqual(['refusing=breaker_open']);
  });

  it('a caller who leaves ends the call and is held against nobody', async () => {
    const endpoint = alpha('stall-headers');
    for (let call = 0; call < 6; call += 1) {
      const caller = new AbortController();
      const label = `gone-${String(call)}`;
      const body = { messages: [{ role: 'user', content: label }] };
      const answer = gateway.providers.call(requestOf([endpoint], { body, signal: caller.signal }));
      const refused = expect(answer).rejects.toBeInstanceOf(CallerGoneError);
      await upstream.callWhen(label, () => true);
      const leftAtMs = performance.timeOrigin + performance.now();
      caller.abort();
      await refused;
      const { hungUpAtMs } = await upstream.callWhen(label, (seen) => seen.hungUpAtMs !== null);
      expect((hungUpAtMs ?? Infinity) - leftAtMs).toBeLessThan(promised(100));
    }
    expect(gateway.providers.endpointHealth(endpoint.id, CALLER)).toBe(true);
  });

  it('a caller who has left already reaches no upstream', async () => {
    const body = { messages: [{ role: 'user', content: 'left-before' }] };
    const call = gateway.providers.call(requestOf([alpha('ok')], { body, signal: AbortSignal.abort() }));
    await expect(call).rejects.toBeInstanceOf(CallerGoneError);
    await expect(upstream.calls('left-before')).resolves.toEqual([]);
  });

  it('passes tool calls, reasoning and images through', async () => {
    const { body } = await gateway.json([alpha('tools-parallel')]);
    expect(body['choices']).toMatchObject([{ message: { tool_calls: [{ id: 'call_1' }, { id: 'call_2' }] } }]);
    const reasoning = await gateway.json([alpha('reasoning-n2')]);
    expect(reasoning.body['choices']).toMatchObject([
      { message: { content: textOf(2), reasoning_content: 'Let me think.' } },
    ]);
    const url = `data:image/png;base64,${'A'.repeat(300_000)}`;
    const messages = [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }];
    const vision = await gateway.json([alpha('vision')], { body: { messages } });
    expect(JSON.stringify(vision.body)).toContain(String(url.length));
  });

  it('reads a huge answer and refuses one that no process should hold', async () => {
    const { body } = await gateway.json([alpha('huge-m8')]);
    expect(JSON.stringify(body).length).toBeGreaterThan(8 * 1024 * 1024);
    const { attempts } = await gateway.json([alpha('huge-m40'), beta('ok')]);
    expect(reasonsOf(attempts)).toEqual(['alpha=answer_too_large']);
  });
});

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
