import { readFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { chat, chatStream, prompt, readUntil, requestIdOf, type Chunk } from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import { textOf } from '../support/upstream/answer.js';
import { unique, World, type TestKey } from '../support/world.js';

/** Streams that go well: order, usage, metadata, unharmed pieces, slow readers. */
const KEEPALIVE_MS = 300;

let world: World;
let key: TestKey;
beforeAll(async () => {
  world = await World.create({ STREAM_KEEPALIVE_MS: KEEPALIVE_MS.toString() });
  key = await world.key({ credits: { standard: '10000000' } });
});
afterAll(() => world.destroy());

async function streamOf(
  behaviour: string,
  more: Record<string, unknown> = {},
  fields: Record<string, unknown> = {},
): Promise<Awaited<ReturnType<typeof chatStream>>> {
  const { key: model } = await world.model({ behaviours: [behaviour], stallMs: 2_000, fields });
  return chatStream(world.url, prompt(model, more), { key: key.key });
}

const isUsageOnly = (chunk: Chunk): boolean => chunk.choices.length === 0 && chunk.metadata === undefined;

describe('a stream', () => {
  it('is the chunks of the provider, then the metadata, then [DONE]', async () => {
    const answer = await streamOf('ok-n20-p10');
    expect(answer.response.status).toBe(200);
    expect(answer.response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(answer.text).toBe(textOf(20));
    expect(answer.done).toBe(true);
    const last = answer.chunks.at(-1);
    expect(last).toMatchObject({ object: 'chat.completion.chunk', choices: [] });
    expect(typeof last?.model).toBe('string');
    expect(last?.id).toBe(answer.chunks[0]?.id);
    expect(answer.metadata).toMatchObject({
      request_id: requestIdOf(answer.response),
      tier: 'standard',
      billing: { credits_used: '0.020000', input_tokens: 10, output_tokens: 20, usage_source: 'provider' },
    });
    expect(answer.chunks[0]).toMatchObject({ model: 'ok-n20-p10', system_fingerprint: 'fp_upstream' });
  });

  it('carries usage only when the caller asked for it', async () => {
    const unasked = await streamOf('ok-n20-p10');
    for (const behaviour of ['usage-null-n5', 'usage-on-content-n5', 'usage-early-n5']) {
      const answer = await streamOf(behaviour);
      expect(answer.chunks.filter((chunk) => 'usage' in chunk)).toEqual([]);
      expect(answer.metadata?.billing.output_tokens).toBe(5);
    }
    expect(unasked.chunks.filter(isUsageOnly)).toEqual([]);
    const asked = await streamOf('ok-n20-p10', { stream_options: { include_usage: true } });
    const usage = asked.chunks.filter(isUsageOnly);
    expect(usage).toHaveLength(1);
    expect(usage[0]?.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 });
    expect(typeof usage[0]?.usage?.cost).toBe('number');
    expect(asked.chunks.at(-2)).toBe(usage[0]);
    expect(asked.chunks.at(-1)?.metadata).toBeDefined();
  });

  it.each(['crlf-n20', 'noise-n20', 'usage-null-n20', 'slow-tokens-d2-n20', 'no-done-n20'])(
    'is clean, whole and finished whatever the framing of the provider (%s)',
    async (behaviour) => {
      const answer = await streamOf(behaviour);
      expect(answer.text).toBe(textOf(20));
      expect(answer.data.every((item) => item === '[DONE]' || item.startsWith('{'))).toBe(true);
      expect(answer.done).toBe(true);
    },
  );

  it('keeps characters whole that arrive in halves', async () => {
    const answer = await streamOf('split-utf8-n16');
    expect(answer.text).toBe('Grüße 你好，世界 🦊🦉 naïve 日本語 ß 🏳️‍🌈 '.repeat(2));
  });

  it('keeps reasoning and tool calls as they are', async () => {
    const reasoning = await streamOf('reasoning-n3');
    expect(reasoning.chunks.map((chunk) => chunk.choices[0]?.delta.reasoning_content ?? '').join('')).toBe(
      'Let me think.',
    );
    const tools = [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object' } } }];
    const answer = await streamOf('tools-parallel', { tools });
    const calls = ['', ''];
    for (const chunk of answer.chunks) {
      const parts = (chunk.choices[0]?.delta.tool_calls ?? []) as { index: number; function: { arguments?: string } }[];
      for (const { index, function: part } of parts) calls[index] = (calls[index] ?? '') + (part.arguments ?? '');
    }
    expect(calls.map((text) => JSON.parse(text) as unknown)).toEqual([
      { city: 'Zürich "old town"', unit: 'celsius', days: [1, 2, 3] },
      { zone: 'Europe/Zurich' },
    ]);
    expect(answer.chunks.some((chunk) => chunk.choices[0]?.finish_reason === 'tool_calls')).toBe(true);
  });

  it('is charged as the provider counted, wherever it put the usage', async () => {
    const expected: Record<string, [string, object]> = {
      'usage-early-n20-p10': ['0.020000', { usage_source: 'provider' }],
      'usage-on-content-n20-p10': ['0.020000', { usage_source: 'provider' }],
      'usage-twice-n20-p10': ['0.020000', { usage_source: 'provider' }],
      'usage-null-n20-p10': ['0.020000', { usage_source: 'provider' }],
      'cached-tokens-n20': ['0.146000', { input_tokens: 600, cached_input_tokens: 400, output_tokens: 20 }],
    };
    for (const [behaviour, [credits, billing]] of Object.entries(expected)) {
      const answer = await streamOf(behaviour);
      expect(answer.metadata?.billing).toMatchObject({ credits_used: credits, ...billing });
      const usage = await world.admin.settled(requestIdOf(answer.response));
      expect(usage).toMatchObject({ status: 'settled', credits_used: credits, credits_charged: credits, stream: true });
    }
  });

  it.each(['usage-absent-n20', 'usage-zero-n20'])('is counted by the gateway without usage (%s)', async (behaviour) => {
    const answer = await streamOf(behaviour);
    expect(answer.metadata?.billing.usage_source).toBe('estimated');
    expect(answer.metadata?.billing.output_tokens).toBeGreaterThanOrEqual(15);
    expect(answer.metadata?.billing.output_tokens).toBeLessThanOrEqual(25);
    const usage = await world.admin.settled(requestIdOf(answer.response));
    expect(usage).toMatchObject({ status: 'settled', usage_source: 'estimated' });
    expect(usage.credits_used).toBe(answer.metadata?.billing.credits_used);
  });

  it('comes as it is made: the caller has a piece while the provider has not made the next', async () => {
    const { key: model } = await world.model({ behaviours: ['held-a2'] });
    const response = await chat(world.url, prompt(model, { stream: true }), { key: key.key });
    await readUntil(response, '"content":" quick"');
    await response.body?.cancel();
  });
});

describe('a silent stream', () => {
  it('carries comments, the first of which sends the head before the first content', async () => {
    const upstreamModel = unique('silent');
    await world.upstream.setBehaviour(upstreamModel, 'held-a0-n3');
    const { key: model } = await world.model({ behaviours: [upstreamModel] });
    const response = await chat(world.url, prompt(model, { stream: true }), { key: key.key });
    expect(await readUntil(response, ': keep-alive\n\n: keep-alive')).not.toContain('data:');
    await world.upstream.setBehaviour(upstreamModel, 'ok');
    expect(await readUntil(response, 'data: [DONE]')).toContain('data: [DONE]');
  });

  it('carries comments while the next endpoint is tried', async () => {
    const { key: model } = await world.model({ behaviours: ['close-d900', 'slow-first-d900-n5'] });
    const answer = await chatStream(world.url, prompt(model), { key: key.key });
    expect(answer).toMatchObject({ done: true, error: undefined, text: textOf(5) });
    expect(answer.comments.length).toBeGreaterThan(2);
  });

  it('that fails after a comment says so inside the stream, without [DONE], and costs nothing', async () => {
    const answer = await streamOf('stall-a0', { max_tokens: 10 });
    expect(answer.response.status).toBe(200);
    expect(answer.error).toMatchObject({ type: 'upstream_error', request_id: requestIdOf(answer.response) });
    expect(answer.done).toBe(false);
    expect(await world.admin.settled(requestIdOf(answer.response))).toMatchObject({ status: 'released' });
  });
});

describe('a slow reader', () => {
  /** A model that may write that much. */
  const fields = { max_output_tokens: 100_000_000 };

  it('holds the provider back, and the memory of the gateway stays flat', async () => {
    const marker = unique('slow-reader');
    const { key: model } = await world.model({ behaviours: ['huge-m64'], fields });
    const before = await residentMib();
    const answer = await openAndPause(prompt(model, { stream: true, user: marker }));
    const written = await stableBytes(marker);
    expect(written).toBeLessThan(24 * 1024 * 1024);
    expect((await residentMib()) - before).toBeLessThan(64);
    answer.destroy();
    await world.upstream.callWhen(marker, (call) => call.hungUpAtMs !== null);
  });

  it('gets all of a large answer', async () => {
    const answer = await streamOf('huge-m16', {}, fields);
    expect(answer.text).toHaveLength(16 * 1024 * 1024);
    expect(answer.done).toBe(true);
  });
});

/** Opens a stream, takes its head and reads nothing more. */
function openAndPause(body: Record<string, unknown>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${world.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key.key}` },
    });
    request.on('error', () => undefined);
    request.on('response', (response) => {
      response.on('error', () => undefined);
      response.pause();
      if (response.statusCode === 200) resolve(response);
      else reject(new Error(`status ${String(response.statusCode)}`));
    });
    request.end(JSON.stringify(body));
  });
}

/** Bytes that the upstream has handed over, once they stand still for half a second. */
async function stableBytes(marker: string): Promise<number> {
  let last = { bytes: -1, sinceMs: 0 };
  const still = async (): Promise<number | null> => {
    const bytes = (await world.upstream.calls(marker))[0]?.bytesWritten ?? 0;
    if (bytes !== last.bytes) last = { bytes, sinceMs: Date.now() };
    return bytes > 0 && Date.now() - last.sinceMs > 500 ? bytes : null;
  };
  return pollUntil(still, 'the upstream to be held back');
}

/** Resident memory of the gateway process. */
async function residentMib(): Promise<number> {
  const status = await readFile(`/proc/${world.gateway.pid.toString()}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
