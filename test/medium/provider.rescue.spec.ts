import { AppError } from '../../src/platform/errors/index.js';
import { attemptsOf, CallerGoneError, type Endpoint } from '../../src/provider/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { textOf } from '../support/upstream/answer.js';
import { UpstreamProcess } from '../support/upstream/client.js';
import { CALLER, collect, ProviderProcess, reasonsOf, type EndpointMaker } from './provider.process.js';
import { chunkText, sseServer } from './provider.server.js';

const PIECES = 20;
const WHOLE = textOf(PIECES);

describe('a stream that breaks after its first content', () => {
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

  it.each(['cut', 'eof', 'broken-chunk', 'error-in-stream'])('goes on from a fresh answer: %s', async (fault) => {
    const answer = await gateway.stream([alpha(`${fault}-a5-p40`), beta('ok-p40')]);
    const { text, error } = await collect(answer);
    expect([text, error]).toEqual([WHOLE, null]);
    expect(answer.delivered().text).toBe(WHOLE);
    expect(answer.summary()).toMatchObject({
      complete: true,
      rescued: { from: 'alpha', to: 'beta', afterChars: textOf(5).length },
      // Exactly what the second provider counted: the prompt once, the output once.
      usage: { inputTokens: 40, outputTokens: PIECES },
    });
    expect(answer.attempts).toMatchObject([
      { provider: 'alpha', failure: 'endpoint_fault', status: 200 },
      { provider: 'beta', failure: null },
    ]);
  });

  it('goes on from a fresh answer after a stall', async () => {
    const stalling = alpha('stall-a4', { timeouts: { idleMs: 150 } });
    const answer = await gateway.stream([stalling, beta('ok')]);
    const { text } = await collect(answer);
    expect(text).toBe(WHOLE);
    expect(reasonsOf(answer.attempts)).toEqual(['alpha=timeout_idle']);
  });

  it('goes on by prefill where the endpoint declares it', async () => {
    const label = 'prefill-1';
    const body = { messages: [{ role: 'user', content: label }], max_tokens: 100 };
    const answer = await gateway.stream([alpha('cut-a5'), beta('prefill-p90', { supportsPrefill: true })], { body });
    const { text, data } = await collect(answer);
    expect(text).toBe(WHOLE);
    expect(data.filter((one) => one.includes('"role":"assistant"'))).toHaveLength(1);
    const delivered = textOf(5);
    const deliveredTokens = gateway.tokens.count(delivered);
    const [, second] = await upstream.calls(label);
    expect(JSON.parse(second?.body ?? '')).toMatchObject({
      messages: [
        { role: 'user', content: label },
        { role: 'assistant', content: delivered },
      ],
      max_tokens: 100 - deliveredTokens,
    });
    expect(answer.summary()).toMatchObject({
      complete: true,
      rescued: { from: 'alpha', to: 'beta', afterChars: delivered.length },
      // The delivered text was prompt at the second provider; the caller pays it once, as output.
      usage: { inputTokens: 90 - deliveredTokens, outputTokens: PIECES - 5 + deliveredTokens },
    });
  });

  it('is rescued twice when it breaks twice', async () => {
    const answer = await gateway.stream([alpha('cut-a3'), beta('cut-a9'), gamma('ok')]);
    const { text, error } = await collect(answer);
    expect([text, error]).toEqual([WHOLE, null]);
    expect(answer.summary().rescued).toEqual({ from: 'beta', to: 'gamma', afterChars: textOf(9).length });
  });

  it('is not joined to an answer that begins otherwise', async () => {
    const answer = await gateway.stream([alpha('cut-a5'), beta('other'), gamma('ok')]);
    const { text, error } = await collect(answer);
    expect([text, error]).toEqual([WHOLE, null]);
    expect(reasonsOf(answer.attempts)).toEqual(['alpha=cut', 'beta=rescue_mismatch']);
    expect(gateway.providers.endpointHealth(answer.endpoint.id, CALLER)).toBe(true);
  });

  it.each<[string, () => Endpoint[]]>([
    ['there is no other endpoint', () => [alpha('cut-a5')]],
    ['the only other answer differs', () => [alpha('cut-a5'), beta('other')]],
    ['the only other answer is shorter', () => [alpha('cut-a5'), beta('ok-n3')]],
    ['the only other endpoint is down', () => [alpha('cut-a5'), beta('status-503')]],
  ])('ends with an honest error when %s', async (_name, endpoints) => {
    const answer = await gateway.stream(endpoints());
    const { text, error } = await collect(answer);
    expect(text).toBe(textOf(5));
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ kind: 'upstream_failed', code: 'stream_broken' });
    expect(attemptsOf(error).length).toBe(answer.attempts.length);
    expect(answer.delivered().text).toBe(textOf(5));
    expect(answer.summary()).toMatchObject({ complete: false, rescued: null, usage: null });
  });

  it('ends as out of time when it stalls and nobody can go on', async () => {
    const answer = await gateway.stream([alpha('stall-a5', { timeouts: { idleMs: 120 } })]);
    expect((await collect(answer)).error).toMatchObject({ kind: 'deadline', code: 'stream_broken' });
  });

  it.each([
    ['several choices', { n: 2 }],
    ['a JSON schema', { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: {} } } }],
    ['JSON', { response_format: { type: 'json_object' } }],
    ['log probabilities', { logprobs: true }],
  ])('is not rescued with %s', async (_name, more) => {
    const body = { messages: [{ role: 'user', content: 'x' }], ...more };
    const answer = await gateway.stream([alpha('cut-a5'), beta('ok')], { body });
    const { error } = await collect(answer);
    expect(error).toMatchObject({ code: 'stream_broken' });
    expect(answer.attempts).toHaveLength(1);
  });

  it.each([
    ['a tool call', { tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '{"a"' } }] }],
    ['audio', { audio: { data: 'AAAA' } }],
  ])('is not rescued once %s has begun', async (name, delta) => {
    const server = await sseServer((response) => {
      response.write(`data: ${chunkText({ content: 'Well' })}\n\ndata: ${chunkText(delta)}\n\n`, () =>
        response.destroy(),
      );
    });
    const local = await gateway.provider(`breaking ${name}`, server.url);
    const answer = await gateway.stream([local('any'), beta('ok')]);
    const { data, error } = await collect(answer);
    expect(data).toHaveLength(2);
    expect(error).toMatchObject({ code: 'stream_broken' });
    expect(answer.attempts).toHaveLength(1);
    await server.close();
  });

  it('uses endpoints of other models only when that is allowed', async () => {
    const more = { rescueEndpoints: [beta('ok')] };
    const refused = await collect(await gateway.stream([alpha('cut-a5')], more));
    expect(refused.error).toMatchObject({ code: 'stream_broken' });
    const liberal = await ProviderProcess.start(database.url, { STREAM_RESCUE: 'any' });
    try {
      const { text } = await collect(await liberal.stream([alpha('cut-a5')], more));
      expect(text).toBe(WHOLE);
    } finally {
      await liberal.stop();
    }
  });

  it('is never rescued when that is switched off', async () => {
    const strict = await ProviderProcess.start(database.url, { STREAM_RESCUE: 'off' });
    try {
      const { error } = await collect(await strict.stream([alpha('cut-a5'), beta('ok')]));
      expect(error).toMatchObject({ code: 'stream_broken' });
    } finally {
      await strict.stop();
    }
  });

  it('is whole when only usage and end marker were missing', async () => {
    const answer = await gateway.stream([alpha('no-done-n4')]);
    const { text, error } = await collect(answer);
    expect([text, error]).toEqual([textOf(4), null]);
  });

  it('ends for a caller who leaves while it is being rescued', async () => {
    const caller = new AbortController();
    const label = 'leaving-1';
    const body = { messages: [{ role: 'user', content: label }] };
    const answer = await gateway.stream([alpha('cut-a5'), beta('stall-headers')], { body, signal: caller.signal });
    const collected = collect(answer);
    const rescuing = await upstream.callWhen(label, ({ model }) => model === 'stall-headers');
    caller.abort();
    expect((await collected).error).toBeInstanceOf(CallerGoneError);
    await upstream.callWhen(label, ({ id, hungUpAtMs }) => id === rescuing.id && hungUpAtMs !== null);
  });
});
