import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { textOf } from '../support/upstream/answer.js';
import { UpstreamProcess } from '../support/upstream/client.js';
import { collect, ProviderProcess, reasonsOf, type EndpointMaker } from './provider.process.js';

describe('streams from an OpenAI-compatible upstream', () => {
  let database: TestDatabase;
  let upstream: UpstreamProcess;
  let gateway: ProviderProcess;
  let alpha: EndpointMaker;
  let beta: EndpointMaker;

  beforeAll(async () => {
    [database, upstream] = await Promise.all([createTestDatabase(), UpstreamProcess.start()]);
    gateway = await ProviderProcess.start(database.url);
    alpha = await gateway.provider('alpha', upstream.url);
    beta = await gateway.provider('beta', upstream.url);
  });

  afterAll(async () => {
    await gateway.stop();
    await Promise.all([upstream.stop(), database.drop()]);
  });

  it('delivers every chunk unchanged and in order, and the usage it asked for', async () => {
    const answer = await gateway.stream([alpha('ok-n20-p30')]);
    const { data, text, error } = await collect(answer);
    expect(error).toBeNull();
    expect(text).toBe(textOf(20));
    // Role, 20 pieces, finish, usage; never the end marker.
    expect(data).toHaveLength(23);
    expect(JSON.parse(data.at(-1) ?? '')).toMatchObject({ choices: [], usage: { prompt_tokens: 30 } });
    expect(answer.delivered().text).toBe(text);
    expect(answer.summary()).toMatchObject({
      usage: { inputTokens: 30, outputTokens: 20, cachedInputTokens: 0, cachedOutputTokens: 0 },
      complete: true,
      rescued: null,
      attempts: [{ provider: 'alpha', status: 200, failure: null, reason: null }],
    });
  });

  it('marks the usage chunk and counts output characters', async () => {
    const answer = await gateway.stream([alpha('ok-n3')]);
    const events = [];
    for await (const group of answer.events) events.push(...group);
    expect(events.map(({ outputChars }) => outputChars)).toEqual([0, 3, 6, 6, 0, 0]);
    expect(events.map(({ usageOnly }) => usageOnly)).toEqual([false, false, false, false, false, true]);
  });

  it('holds the role chunk back until the first content is there', async () => {
    const startedMs = performance.now();
    const answer = await gateway.stream([alpha('slow-first-d300')]);
    expect(performance.now() - startedMs).toBeGreaterThan(250);
    for await (const first of answer.events) {
      expect(first.some(({ outputChars }) => outputChars > 0)).toBe(true);
      expect(first[0]?.data).toContain('"role":"assistant"');
      break;
    }
  });

  it.each([
    ['CRLF and event lines', 'crlf'],
    ['comments, empty data and missing spaces', 'noise'],
    ['usage null on every chunk', 'usage-null'],
    ['no end marker but a finish reason', 'no-done'],
  ])('reads a stream with %s', async (_name, model) => {
    const answer = await gateway.stream([alpha(`${model}-n8`)]);
    const { text, error } = await collect(answer);
    expect([text, error]).toEqual([textOf(8), null]);
    expect(answer.summary()).toMatchObject({ complete: true, usage: { outputTokens: 8 } });
  });

  it('reads characters whose bytes arrive one by one', async () => {
    const { text, data } = await collect(await gateway.stream([alpha('split-utf8-n8')]));
    expect(text).toBe('Grüße 你好，世界 🦊🦉 naïve 日本語 ß 🏳️‍🌈 ');
    expect(data.join('')).not.toContain('\ufffd');
  });

  it.each([
    ['absent', 'usage-absent', null],
    ['zero although there was output', 'usage-zero', null],
    ['on the first chunk only', 'usage-early-n9', { outputTokens: 9 }],
    ['on the last content chunk', 'usage-on-content-n9', { outputTokens: 9 }],
    ['sent again and again', 'usage-twice-n9', { outputTokens: 9 }],
    ['with cached tokens', 'cached-tokens-n9', { inputTokens: 600, cachedInputTokens: 400, outputTokens: 9 }],
  ])('takes usage that is %s', async (_name, model, usage) => {
    const answer = await gateway.stream([alpha(model)]);
    await collect(answer);
    const summary = answer.summary();
    expect(summary.complete).toBe(true);
    if (usage === null) expect(summary.usage).toBeNull();
    else expect(summary.usage).toMatchObject(usage);
  });

  it.each(['tools', 'tools-parallel'])('passes %s through, pieces of arguments and all', async (model) => {
    const { data, error } = await collect(await gateway.stream([alpha(model)]));
    expect(error).toBeNull();
    const written = new Map<number, string>();
    for (const text of data) {
      const { choices } = JSON.parse(text) as { choices: { delta: { tool_calls?: ToolDelta[] } }[] };
      for (const call of choices[0]?.delta.tool_calls ?? []) {
        written.set(call.index, (written.get(call.index) ?? '') + (call.function.arguments ?? ''));
      }
    }
    const city = '{"city":"Zürich \\"old town\\"","unit":"celsius","days":[1,2,3]}';
    const expected = model === 'tools' ? [city] : [city, '{"zone":"Europe/Zurich"}'];
    expect([...written.values()]).toEqual(expected);
  });

  it('counts reasoning as output and as first content', async () => {
    const answer = await gateway.stream([alpha('reasoning-n2')]);
    const { text } = await collect(answer);
    expect(text).toBe(textOf(2));
    expect(answer.delivered().text).toBe(`Let me think.${textOf(2)}`);
  });

  it('makes chunks of a whole answer that came although a stream was asked for', async () => {
    const answer = await gateway.stream([alpha('json-for-stream-n5')]);
    const { text, data } = await collect(answer);
    expect(text).toBe(textOf(5));
    expect(data.map((one) => (JSON.parse(one) as { object: string }).object)).toEqual(
      Array(3).fill('chat.completion.chunk'),
    );
    expect(answer.summary()).toMatchObject({ complete: true, usage: { outputTokens: 5 } });
  });

  it('asks again without stream_options where the upstream refuses them', async () => {
    const answer = await gateway.stream([alpha('strict-options-n5')]);
    const { text } = await collect(answer);
    expect(text).toBe(textOf(5));
    expect(answer.summary()).toMatchObject({ complete: true, usage: null, attempts: [{ failure: null }] });
  });

  describe('before the first content', () => {
    it.each([
      ['cut-a0', 'cut'],
      ['eof-a0', 'cut'],
      ['broken-chunk-a0', 'malformed_chunk'],
      ['error-in-stream-a0', 'error_in_stream'],
      ['html', 'not_a_stream'],
      ['status-503', 'http_503'],
      ['status-401', 'http_401'],
      ['status-429', 'http_429'],
    ])('another endpoint takes over unseen: %s', async (model, reason) => {
      const answer = await gateway.stream([alpha(model), beta('ok-n6')]);
      const { text, error } = await collect(answer);
      expect([text, error]).toEqual([textOf(6), null]);
      expect(answer.endpoint.providerName).toBe('beta');
      expect(reasonsOf(answer.attempts)).toEqual([`alpha=${reason}`]);
      expect(answer.summary()).toMatchObject({ rescued: null, complete: true });
    });

    it('a stall after the headers is a failure too', async () => {
      const stalling = alpha('stall', { timeouts: { firstTokenMs: 150 } });
      const answer = await gateway.stream([stalling, beta('ok-n6')]);
      expect(reasonsOf(answer.attempts)).toEqual(['alpha=timeout_first_token']);
      await collect(answer);
    });
  });
});

interface ToolDelta {
  index: number;
  function: { name?: string; arguments?: string };
}
