import { SIGNATURE, textOf, THOUGHTS, TOOL_CALLS } from './answer.js';
import { startUpstream, type RunningUpstream } from './server.js';

/** The wire formats of vendors other than OpenAI, as their own clients would see them. */
let upstream: RunningUpstream;
beforeAll(async () => {
  upstream = await startUpstream();
});
afterAll(() => upstream.close());

const HI = { anthropic: { role: 'user', content: 'hi' }, gemini: { role: 'user', parts: [{ text: 'hi' }] } };
const ANTHROPIC = { 'x-api-key': 'sk-1', 'anthropic-version': '2023-06-01' };
const GEMINI = { 'x-goog-api-key': 'sk-1' };

function anthropic(model: string, more: object = {}, headers: Record<string, string> = ANTHROPIC): Promise<Response> {
  const body = JSON.stringify({ model, max_tokens: 100, messages: [HI.anthropic], ...more });
  return fetch(`${upstream.url}/messages`, { method: 'POST', headers, body });
}

function gemini(model: string, more: object = {}, method = 'generateContent', headers = GEMINI): Promise<Response> {
  const url = `${upstream.url.replace('/v1', '/v1beta')}/models/${model}:${method}`;
  return fetch(url, { method: 'POST', headers, body: JSON.stringify({ contents: [HI.gemini], ...more }) });
}

interface Event {
  event: string;
  data: Record<string, unknown>;
}

async function eventsOf(response: Response): Promise<Event[]> {
  const blocks = (await response.text()).split(/\r?\n\r?\n/).filter((block) => block.includes('data:'));
  return blocks.map((block) => {
    const line = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
    return { event: line('event'), data: JSON.parse(line('data')) as Event['data'] };
  });
}

function deltas(events: readonly Event[], field: string): string {
  return events.map(({ data }) => (data['delta'] as Record<string, string> | undefined)?.[field] ?? '').join('');
}

describe('the Anthropic dialect', () => {
  it('answers a message, with cached tokens beside the input', async () => {
    const answer = (await (await anthropic('cached-tokens-k50-n20')).json()) as Record<string, unknown>;
    expect(answer).toMatchObject({
      type: 'message',
      content: [{ type: 'text', text: textOf(20) }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 550, cache_read_input_tokens: 400, cache_creation_input_tokens: 50, output_tokens: 20 },
    });
  });

  it('streams named events from message_start to message_stop', async () => {
    const events = await eventsOf(await anthropic('ok-n3-p7', { stream: true }));
    expect(events.map(({ event }) => event)).toEqual([
      'message_start',
      'ping',
      'content_block_start',
      ...Array<string>(3).fill('content_block_delta'),
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(events.every(({ event, data }) => event === data['type'])).toBe(true);
    expect(deltas(events, 'text')).toBe(textOf(3));
    expect(events.at(-2)?.data).toMatchObject({ usage: { input_tokens: 7, output_tokens: 3 } });
  });

  it('thinks with a signature, then calls in blocks of their own', async () => {
    const tools = [{ name: 'get_weather', input_schema: { type: 'object' } }];
    const events = await eventsOf(await anthropic('signed', { stream: true, tools }));
    expect(deltas(events, 'thinking')).toBe(THOUGHTS.join(''));
    expect(deltas(events, 'signature')).toBe(SIGNATURE);
    expect(deltas(events, 'partial_json')).toBe(TOOL_CALLS.map((call) => call.arguments).join(''));
    const opened = events.filter(({ event }) => event === 'content_block_start').map(({ data }) => data['index']);
    expect(opened).toEqual([0, 1, 2]);
  });

  it('refuses what the real one refuses', async () => {
    const statuses = await Promise.all([
      anthropic('ok', {}, { 'anthropic-version': '2023-06-01' }),
      anthropic('ok', {}, { 'x-api-key': 'sk-1' }),
      anthropic('ok', { max_tokens: undefined }),
      anthropic('ok', { stream_options: {} }),
      anthropic('ok', { messages: [{ role: 'user', content: '' }] }),
      anthropic('ok', {
        messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_1', content: 'x' }] }],
      }),
      anthropic('status-529'),
      anthropic('none'),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([401, 400, 400, 400, 400, 400, 529, 404]);
    expect(await statuses[6].json()).toMatchObject({ type: 'error', error: { type: 'overloaded_error' } });
  });

  it('breaks off with an error event', async () => {
    const events = await eventsOf(await anthropic('error-in-stream-a1', { stream: true }));
    expect(events.at(-1)).toMatchObject({ event: 'error', data: { error: { type: 'overloaded_error' } } });
  });
});

describe('the Gemini dialect', () => {
  it('answers candidates, with cached tokens inside the prompt and thoughts beside the answer', async () => {
    const answer = (await (await gemini('reasoning-n20-p1000-c400')).json()) as Record<string, unknown>;
    expect(answer).toMatchObject({
      candidates: [
        {
          content: { role: 'model', parts: [{ text: THOUGHTS.join(''), thought: true }, { text: textOf(20) }] },
          finishReason: 'STOP',
        },
      ],
      usageMetadata: {
        promptTokenCount: 1000,
        cachedContentTokenCount: 400,
        candidatesTokenCount: 20,
        thoughtsTokenCount: 2,
      },
    });
  });

  it('streams chunks of parts and ends without a marker', async () => {
    const events = await eventsOf(await gemini('ok-n3', {}, 'streamGenerateContent?alt=sse'));
    expect(events).toHaveLength(4);
    expect(events.at(-1)?.data).toMatchObject({ candidates: [{ finishReason: 'STOP' }] });
  });

  it('calls functions without ids, and wants its signature back', async () => {
    const tools = [{ functionDeclarations: [{ name: 'get_weather' }] }];
    const { candidates } = (await (await gemini('signed', { tools })).json()) as {
      candidates: [{ content: { parts: { functionCall?: object; thoughtSignature?: string }[] } }];
    };
    const called = candidates[0].content.parts.filter((part) => part.functionCall !== undefined);
    expect(called.map((part) => part.thoughtSignature)).toEqual([SIGNATURE, undefined]);
    const results = TOOL_CALLS.map(({ name }) => ({ functionResponse: { name, response: { ok: true } } }));
    const ask = (parts: object[]): Promise<Response> =>
      gemini('signed', { tools, contents: [HI.gemini, { role: 'model', parts }, { role: 'user', parts: results }] });
    expect((await ask(called)).status).toBe(200);
    expect((await ask(called.map(({ functionCall }) => ({ functionCall })))).status).toBe(400);
  });

  it('blocks a prompt, and words its errors as Google does', async () => {
    expect(await (await gemini('refusal')).json()).toMatchObject({
      promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
    });
    const limited = await gemini('status-429-r7');
    expect(limited.headers.get('retry-after')).toBeNull();
    expect(await limited.json()).toMatchObject({
      error: { code: 429, status: 'RESOURCE_EXHAUSTED', details: [{ retryDelay: '7s' }] },
    });
    expect((await gemini('ok', { messages: [] })).status).toBe(400);
    expect((await gemini('ok', {}, 'generateContent', {} as typeof GEMINI)).status).toBe(403);
  });
});

it('answers TLS on its port with a certificate that nobody trusts', async () => {
  const refused = fetch(upstream.url.replace('http:', 'https:')).catch((error: unknown) => error);
  expect(await refused).toMatchObject({ cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
});
