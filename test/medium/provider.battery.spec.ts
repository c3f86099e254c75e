import { isDeepStrictEqual } from 'node:util';
import { completionOutput, type Endpoint } from '../../src/provider/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { promised } from '../support/poll.js';
import { UpstreamProcess } from '../support/upstream/client.js';
import { collect, ProviderProcess } from './provider.process.js';

/** What every vendor's adapter has to do, whatever its wire format. A new one adds its endpoints to this list. */
interface Candidate {
  adapter: string;
  endpoints: (gateway: ProviderProcess, upstream: UpstreamProcess) => Promise<Record<Case, Endpoint>>;
}
type Case = 'plain' | 'tools' | 'slow';

const CANDIDATES: readonly Candidate[] = [
  {
    adapter: 'openai',
    endpoints: async (gateway, upstream) => {
      const make = await gateway.provider('battery openai', upstream.url);
      return { plain: make('ok-n20-p30'), tools: make('tools-p30'), slow: make('slow-tokens-d30-n300') };
    },
  },
  {
    adapter: 'sandbox',
    endpoints: async (gateway) => {
      const make = await gateway.provider('battery sandbox', 'sandbox:', 'sandbox');
      return { plain: make('sandbox'), tools: make('sandbox'), slow: make('sandbox') };
    },
  },
];

const tool = { type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: {} } } };
const bodies: Record<Case, Record<string, unknown>> = {
  plain: { messages: [{ role: 'user', content: '[sandbox:delay=1] Hello.' }] },
  tools: { messages: [{ role: 'user', content: '[sandbox:delay=1] Weather?' }], tools: [tool] },
  slow: { messages: [{ role: 'user', content: '[sandbox:delay=30] [sandbox:words=300] Slowly.' }] },
};

describe.each(CANDIDATES)('the $adapter adapter', ({ endpoints }) => {
  let database: TestDatabase;
  let upstream: UpstreamProcess;
  let gateway: ProviderProcess;
  let at: Record<Case, Endpoint>;

  beforeAll(async () => {
    [database, upstream] = await Promise.all([createTestDatabase(), UpstreamProcess.start()]);
    gateway = await ProviderProcess.start(database.url);
    at = await endpoints(gateway, upstream);
  });

  afterAll(async () => {
    await gateway.stop();
    await Promise.all([upstream.stop(), database.drop()]);
  });

  it('gives a whole answer in the shape of OpenAI, with usage', async () => {
    const { body, summary } = await gateway.json([at.plain], { body: bodies.plain });
    expect(body).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-/) as string,
      object: 'chat.completion',
      created: expect.any(Number) as number,
      model: expect.any(String) as string,
      choices: [{ index: 0, message: { role: 'assistant' }, finish_reason: 'stop' }],
      usage: { total_tokens: expect.any(Number) as number },
    });
    expect(summary.usage?.inputTokens).toBeGreaterThan(0);
    expect(summary.usage?.outputTokens).toBeGreaterThan(0);
  });

  it('streams the same text as it answers whole, and the same usage', async () => {
    const { body, summary } = await gateway.json([at.plain], { body: bodies.plain });
    const answer = await gateway.stream([at.plain], { body: bodies.plain });
    const { text, data } = await collect(answer);
    expect(text).toBe(completionOutput(body).text);
    expect(isDeepStrictEqual(answer.summary().usage, summary.usage)).toBe(true);
    for (const chunk of data) {
      expect(JSON.parse(chunk)).toMatchObject({ object: 'chat.completion.chunk', choices: expect.any(Array) as [] });
    }
    const finishes = data.filter((chunk) => chunk.includes('"finish_reason":"stop"'));
    expect(finishes).toHaveLength(1);
  });

  it('calls a tool, whole and in pieces, with the same arguments', async () => {
    const { body } = await gateway.json([at.tools], { body: bodies.tools });
    expect(body['choices']).toMatchObject([
      {
        finish_reason: 'tool_calls',
        message: { tool_calls: [{ type: 'function', function: { name: 'get_weather' } }] },
      },
    ]);
    const answer = await gateway.stream([at.tools], { body: bodies.tools });
    const { error } = await collect(answer);
    expect(error).toBeNull();
    expect(answer.delivered().text).toBe(completionOutput(body).text);
    expect(answer.summary()).toMatchObject({ complete: true });
  });

  it('ends at once when the caller leaves', async () => {
    const caller = new AbortController();
    const answer = await gateway.stream([at.slow], { body: bodies.slow, signal: caller.signal });
    const collected = collect(answer);
    const leftAtMs = performance.now();
    caller.abort();
    expect((await collected).error).toMatchObject({ name: 'CallerGoneError' });
    expect(performance.now() - leftAtMs).toBeLessThan(promised(100));
    expect(answer.summary()).toMatchObject({ complete: false, attempts: [{ failure: 'caller_gone' }] });
  });

  it('takes no longer than it may', async () => {
    const hurried = { ...at.slow, timeouts: { totalMs: 250 } };
    const startedMs = performance.now();
    // Its time may be over before the first piece has come: then there is no stream at all.
    const error = await gateway.stream([hurried], { body: bodies.slow }).then(
      async (answer) => (await collect(answer)).error,
      (refusal: unknown) => refusal,
    );
    expect(error).toMatchObject({ kind: 'deadline' });
    expect(performance.now() - startedMs).toBeLessThan(promised(600));
  });

  it('answers the probe of an operator', async () => {
    await expect(gateway.admin.test(at.plain.providerId)).resolves.toMatchObject({ ok: true, error: null });
  });
});
