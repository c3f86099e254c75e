import { promised } from '../../../../test/support/poll.js';
import { Clock } from '../../../platform/clock/index.js';
import { usdMicros } from '../../../platform/money/index.js';
import { AttemptStream } from '../../attempt/attempt-stream.js';
import { AttemptWatch } from '../../attempt/attempt-watch.js';
import { completionText } from '../../domain/completion-text.js';
import type { Endpoint } from '../../domain/endpoint.js';
import { isRecord, type JsonRecord } from '../../domain/json.js';
import { normaliseUsage } from '../../domain/usage.js';
import { TokenCounter } from '../../tokens/token-counter.js';
import type { AdapterCall } from '../adapter.js';
import { SandboxAdapter } from './sandbox.adapter.js';

const counter = new TokenCounter();
const adapter = new SandboxAdapter(counter, new Clock());
const timeouts = { connectMs: 1000, headersMs: 1000, firstTokenMs: 1000, idleMs: 1000, totalMs: 20_000 };

const endpoint: Endpoint = {
  id: 'e',
  modelId: 'm',
  modelKey: 'sandbox/test',
  providerId: 'p',
  providerName: 'sandbox',
  adapter: 'sandbox',
  baseUrl: 'sandbox:',
  hangupBilling: 'estimate',
  upstreamModel: 'sandbox-test',
  priority: 1,
  weight: 1,
  timeouts: {},
  contextWindow: null,
  inputUsdPerMtok: usdMicros(0),
  outputUsdPerMtok: usdMicros(0),
  supportsPrefill: false,
  allowedFields: [],
  enabled: true,
};

const watches: AttemptWatch[] = [];
afterEach(() => watches.splice(0).forEach((watch) => watch.stop()));

function callOf(body: JsonRecord): AdapterCall {
  const watch = new AttemptWatch(timeouts, performance.now() + 20_000);
  watches.push(watch);
  return { endpoint, apiKey: null, body: quick(body), written: new Map(), watch };
}

/** Without pauses. */
function quick(body: JsonRecord): JsonRecord {
  const messages = body['messages'] as { role: string; content: unknown }[];
  const marker = { role: 'user', content: '[sandbox:delay=0]' };
  const last = messages.findLast(({ role }) => role === 'user');
  const marked = messages.map((message) =>
    message === last && typeof message.content === 'string'
      ? { ...message, content: `[sandbox:delay=0] ${message.content}` }
      : message,
  );
  return { ...body, messages: last === undefined ? [marker, ...marked] : marked };
}

async function complete(body: JsonRecord): Promise<{ message: JsonRecord; finish: unknown; whole: JsonRecord }> {
  const call = callOf(body);
  const whole = await adapter.complete(call);
  const choice: unknown = (whole['choices'] as unknown[])[0];
  if (!isRecord(choice) || !isRecord(choice['message'])) throw new Error('no message');
  return { message: choice['message'], finish: choice['finish_reason'], whole };
}

const says = (content: unknown, more: JsonRecord = {}): JsonRecord => ({
  ...more,
  messages: [{ role: 'user', content }],
});

const weatherTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: {
        city: { type: 'string' },
        unit: { enum: ['celsius', 'fahrenheit'] },
        days: { type: 'integer', minimum: 3 },
      },
      required: ['city'],
    },
  },
};

describe('the sandbox', () => {
  it('says what it is and shows the prompt, in the shape of OpenAI', async () => {
    const { message, whole } = await complete(says('Hello there!'));
    expect(message).toMatchObject({ role: 'assistant', refusal: null });
    expect(message['content']).toContain('sandbox');
    expect(message['content']).toContain('Hello there!');
    expect(whole).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-[0-9a-f]{29}$/) as string,
      object: 'chat.completion',
      created: expect.any(Number) as number,
      model: 'sandbox-test',
      choices: [{ index: 0, logprobs: null, finish_reason: 'stop' }],
    });
  });

  it('answers the same request the same way', async () => {
    const [one, two] = [await complete(says('Again')), await complete(says('Again'))];
    expect({ ...one.whole, created: 0 }).toEqual({ ...two.whole, created: 0 });
  });

  it('counts with a real tokenizer', async () => {
    const { whole } = await complete(says('Count me'));
    const usage = normaliseUsage(whole['usage']);
    expect(usage?.outputTokens).toBe(counter.count(completionText(whole)));
    const longer = normaliseUsage((await complete(says('Count me '.repeat(100)))).whole['usage']);
    expect((longer?.inputTokens ?? 0) - (usage?.inputTokens ?? 0)).toBeGreaterThanOrEqual(190);
  });

  it('streams what it would have answered whole, in small pieces, with usage at the end', async () => {
    const body = says('Stream this, please.');
    const { whole } = await complete(body);
    const call = callOf(body);
    const stream = await AttemptStream.open(await adapter.stream(call), call.watch, 1);
    let text = '';
    let chunks = 0;
    for (let group = await stream.next(); group !== null; group = await stream.next()) {
      for (const { pieces, outputChars } of group) {
        chunks += 1;
        text += pieces.map((piece) => piece.text).join('');
        expect(outputChars).toBeLessThan(20);
      }
    }
    expect(text).toBe(completionText(whole));
    expect(chunks).toBeGreaterThan(10);
    expect(stream.reader.usage).toEqual(normaliseUsage(whole['usage']));
  });

  it('calls the first tool with arguments that fit its schema', async () => {
    const { message, finish } = await complete(says('Weather?', { tools: [weatherTool] }));
    expect(finish).toBe('tool_calls');
    expect(message).toMatchObject({
      content: null,
      tool_calls: [{ type: 'function', function: { name: 'get_weather' } }],
    });
    const [call] = message['tool_calls'] as { id: string; function: { arguments: string } }[];
    expect(call?.id).toMatch(/^call_/);
    expect(JSON.parse(call?.function.arguments ?? '')).toEqual({ city: 'Paris', unit: 'celsius', days: 3 });
  });

  it('streams a tool call piece by piece', async () => {
    const call = callOf(says('Weather?', { tools: [weatherTool] }));
    const source = await adapter.stream(call);
    let written = '';
    for (let group = await source.read(); group !== null; group = await source.read()) {
      for (const { data } of group) {
        const { choices } = JSON.parse(data) as {
          choices: { delta: { tool_calls?: { function: { arguments: string } }[] } }[];
        };
        written += choices[0]?.delta.tool_calls?.[0]?.function.arguments ?? '';
      }
    }
    expect(JSON.parse(written)).toMatchObject({ city: 'Paris' });
  });

  it.each<[string, JsonRecord, string | null]>([
    ['the tool that is named', { tool_choice: { type: 'function', function: { name: 'second' } } }, 'second'],
    ['no tool when none is wanted', { tool_choice: 'none' }, null],
    ['a tool when one is required', { tool_choice: 'required' }, 'get_weather'],
  ])('calls %s', async (_name, more, expected) => {
    const tools = [weatherTool, { type: 'function', function: { name: 'second', parameters: {} } }];
    const { message } = await complete(says('x', { tools, ...more }));
    const calls = message['tool_calls'] as { function: { name: string } }[] | undefined;
    expect(calls?.[0]?.function.name ?? null).toBe(expected);
  });

  it('answers in words once the tool has answered', async () => {
    const messages = [
      { role: 'user', content: 'Weather?' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'c', content: '21 degrees' },
    ];
    const { message, finish } = await complete({ messages, tools: [weatherTool] });
    expect(message['content']).toContain('21 degrees');
    expect(finish).toBe('stop');
  });

  it('answers in JSON when asked to, by the schema when there is one', async () => {
    const object = await complete(says('x', { response_format: { type: 'json_object' } }));
    expect(JSON.parse(String(object.message['content']))).toMatchObject({ sandbox: true });
    const schema = {
      type: 'object',
      properties: {
        name: { type: 'string' },
        tags: { type: 'array', items: { $ref: '#/$defs/tag' }, minItems: 2 },
        born: { type: 'string', format: 'date' },
        score: { anyOf: [{ type: 'number', minimum: 5 }, { type: 'null' }] },
        ok: { type: 'boolean' },
      },
      $defs: { tag: { type: 'string', enum: ['a', 'b'] } },
    };
    const format = { type: 'json_schema', json_schema: { name: 'person', schema } };
    const { message } = await complete(says('x', { response_format: format }));
    expect(JSON.parse(String(message['content']))).toEqual({
      name: 'Ada',
      tags: ['a', 'a'],
      born: '2025-01-01',
      score: 5,
      ok: true,
    });
  });

  it.each([
    [{ max_tokens: 5 }, 5],
    [{ max_completion_tokens: 7 }, 7],
    [{ max_tokens: 1 }, 1],
  ])('stops at the limit: %j', async (more, tokens) => {
    const { message, finish, whole } = await complete(says('Hello', more));
    expect(finish).toBe('length');
    expect(counter.count(String(message['content']))).toBe(tokens);
    expect(whole['usage']).toMatchObject({ completion_tokens: tokens });
  });

  it.each(['said', ['never', 'said']])('stops before a stop sequence: %j', async (stop) => {
    const { message, finish } = await complete(says('Hello', { stop }));
    expect(message['content']).toMatch(/You $/);
    expect(finish).toBe('stop');
  });

  it('gives as many choices as asked for', async () => {
    const { whole } = await complete(says('Hello', { n: 3 }));
    expect(whole['choices']).toMatchObject([{ index: 0 }, { index: 1 }, { index: 2 }]);
  });

  it('mentions the images it was sent', async () => {
    const content = [
      { type: 'text', text: '[sandbox:delay=0] Look' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
    ];
    expect((await complete(says(content))).message['content']).toContain('1 image.');
  });

  it('writes as many words as a marker asks for, and goes on from a prefilled beginning', async () => {
    const body = says('[sandbox:words=200] Long');
    const text = String((await complete(body)).message['content']);
    expect(text.split(' ')).toHaveLength(200);
    const begun = { role: 'assistant', content: text.slice(0, 100) };
    const messages = [...(body['messages'] as unknown[]), begun];
    expect((await complete({ messages })).message['content']).toBe(text.slice(100));
  });

  it('writes no more than it can without holding up the process, all choices together', async () => {
    const { whole } = await complete(says('[sandbox:words=100000] Long', { n: 16 }));
    const texts = (whole['choices'] as { message: JsonRecord }[]).map(({ message }) => String(message['content']));
    expect(texts).toHaveLength(16);
    expect(texts.join(' ').split(' ').length).toBeLessThanOrEqual(20_000);
  });

  it('stops at once when it is cancelled', async () => {
    const call = { ...callOf(says('x')), body: says('[sandbox:delay=5000] x') };
    const source = await adapter.stream(call);
    const read = source.read();
    const startedMs = performance.now();
    call.watch.cancel(new Error('gone'));
    await expect(read).rejects.toThrow('gone');
    expect(performance.now() - startedMs).toBeLessThan(promised(100));
  });
});
