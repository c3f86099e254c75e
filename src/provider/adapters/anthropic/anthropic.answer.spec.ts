import { HI, vendorBench } from '../../../../test/support/vendor-bench.js';
import { messageOf, sendEvents, sendJson, type Json } from '../../../../test/support/vendor-wire.js';
import { AnthropicAdapter } from './anthropic.adapter.js';
import { STREAMED, textAnswer, textStream, WHOLE } from './anthropic.fixtures.js';

const bench = vendorBench((pools, clock) => new AnthropicAdapter(pools, clock), {
  model: 'claude-sonnet-4-5',
  path: '/v1',
  plain: textAnswer('Hello.'),
});

describe('thinking', () => {
  it('is a budget inside the limit of the caller, or an effort where the model decides itself', async () => {
    const older = await bench.sentFor({ ...HI, reasoning_effort: 'high', max_tokens: 10_000 });
    expect(older).toMatchObject({ max_tokens: 10_000, thinking: { type: 'enabled', budget_tokens: 6_000 } });
    const newer = await bench.sentFor({ ...HI, reasoning_effort: 'high', max_tokens: 10_000 }, 'claude-opus-4-8');
    expect(newer).toMatchObject({
      max_tokens: 10_000,
      thinking: { type: 'adaptive', display: 'summarized' },
      output_config: { effort: 'high' },
    });
    const asked = await bench.sentFor({
      ...HI,
      thinking: { type: 'enabled', budget_tokens: 2_000 },
      max_tokens: 4_000,
    });
    expect(asked).toMatchObject({ max_tokens: 4_000, thinking: { type: 'enabled', budget_tokens: 2_000 } });
  });

  it('is left out where there is no room for it, or where the turn began without', async () => {
    expect(await bench.sentFor({ ...HI, reasoning_effort: 'high', max_tokens: 1_000 })).not.toHaveProperty('thinking');
    const turn = [
      ...HI.messages,
      { role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }] },
      { role: 'tool', tool_call_id: 'c', content: 'x' },
    ];
    expect(await bench.sentFor({ messages: turn, reasoning_effort: 'high' })).not.toHaveProperty('thinking');
  });

  it('comes out as text and signed blocks, whole and streamed, which go back in unchanged', async () => {
    bench.wire.answer = sendJson(WHOLE);
    const { message } = await bench.answerOf();
    bench.wire.answer = sendEvents(STREAMED);
    const streamed = messageOf(await bench.chunksOf());
    const blocks = (WHOLE['content'] as Json[]).slice(0, 2);
    for (const answer of [message, streamed]) {
      expect(answer).toMatchObject({ reasoning_content: 'Two cities, so two calls.', thinking_blocks: blocks });
      bench.wire.answer = sendJson(textAnswer('Rain.'));
      const sent = await bench.sentFor({
        messages: [
          ...HI.messages,
          answer,
          { role: 'tool', tool_call_id: 'toolu_01A', content: 'rain' },
          { role: 'tool', tool_call_id: 'toolu_01B', content: '12:00' },
        ],
        reasoning_effort: 'low',
      });
      expect((sent['messages'] as Json[])[1]).toEqual({ role: 'assistant', content: WHOLE['content'] });
      expect(sent).toHaveProperty('thinking');
    }
  });

  it('goes back in also as OpenRouter writes it', async () => {
    const details = [
      { type: 'reasoning.text', text: 'Hm.', signature: 'sig' },
      { type: 'reasoning.encrypted', data: 'enc' },
    ];
    const messages = [...HI.messages, { role: 'assistant', content: 'A', reasoning_details: details }, ...HI.messages];
    const sent = await bench.sentFor({ messages });
    expect((sent['messages'] as Json[])[1]).toEqual({
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'Hm.', signature: 'sig' },
        { type: 'redacted_thinking', data: 'enc' },
        { type: 'text', text: 'A' },
      ],
    });
  });
});

describe('an answer of Anthropic', () => {
  it('is the same whole and streamed, with parallel calls, usage in disjoint buckets and the name of its model', async () => {
    bench.wire.answer = sendJson(WHOLE);
    const whole = await bench.answerOf();
    bench.wire.answer = sendEvents(STREAMED);
    const chunks = await bench.chunksOf();
    const { refusal, ...message } = whole.message;
    expect(refusal).toBeNull();
    expect(messageOf(chunks)).toEqual(message);
    expect(message).toMatchObject({
      role: 'assistant',
      content: 'Let me look — 天气.',
      tool_calls: [
        { id: 'toolu_01A', function: { name: 'get_weather', arguments: '{"city":"Paris","unit":"C"}' } },
        { id: 'toolu_01B', function: { name: 'now', arguments: '{}' } },
      ],
    });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage as object });
    expect(whole.usage).toEqual({
      prompt_tokens: 1625,
      completion_tokens: 89,
      total_tokens: 1714,
      prompt_tokens_details: { cached_tokens: 1200, cache_write_tokens: 400 },
      completion_tokens_details: { reasoning_tokens: 12 },
    });
    for (const body of [whole.all, ...chunks]) {
      expect(body).toMatchObject({ id: WHOLE['id'], model: WHOLE['model'], created: expect.any(Number) as number });
    }
  });

  it('begins with the role and numbers its tool calls', async () => {
    bench.wire.answer = sendEvents(STREAMED);
    const chunks = await bench.chunksOf();
    const deltas = chunks.flatMap((chunk) => (chunk['choices'] as { delta: Json }[]).map(({ delta }) => delta));
    expect(deltas[0]).toEqual({ role: 'assistant', content: '' });
    const calls = deltas.flatMap(
      (delta) => (delta['tool_calls'] as { index: number; id?: string }[] | undefined) ?? [],
    );
    expect(calls.map(({ index }) => index)).toEqual([0, 0, 0, 1, 1]);
    expect(calls.filter(({ id }) => id !== undefined)).toHaveLength(2);
  });

  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['pause_turn', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['refusal', 'content_filter'],
  ])('%s is %s, whole and streamed', async (raw, expected) => {
    bench.wire.answer = sendJson(textAnswer('A', { stop_reason: raw }));
    expect((await bench.answerOf()).finish_reason).toBe(expected);
    bench.wire.answer = sendEvents(textStream(['A'], raw));
    const chunks = await bench.chunksOf();
    expect(chunks.at(-2)).toMatchObject({ choices: [{ finish_reason: expected }] });
  });

  it('tells why it refuses', async () => {
    const details = { stop_details: { type: 'refusal', category: 'cyber', explanation: 'Not this.' } };
    bench.wire.answer = sendJson(textAnswer('', { content: [], stop_reason: 'refusal', ...details }));
    expect((await bench.answerOf()).message).toMatchObject({ refusal: 'Not this.', content: null });
    bench.wire.answer = sendEvents(textStream([], 'refusal', details));
    expect(messageOf(await bench.chunksOf())).toMatchObject({ refusal: 'Not this.' });
  });

  it('passes over events that are newer than this program', async () => {
    const [start = {}, ...rest] = textStream(['A', 'B']);
    const news = [
      { type: 'message_annotated', note: 1 },
      { type: 'content_block_start', index: 7, content_block: { type: 'hologram' } },
      { type: 'content_block_delta', index: 7, delta: { type: 'hologram_delta', x: 1 } },
    ];
    bench.wire.answer = sendEvents([start, ...news, ...rest]);
    expect(messageOf(await bench.chunksOf())).toMatchObject({ content: 'AB' });
  });

  it('without usage is an answer all the same', async () => {
    const { usage: _usage, ...bare } = textAnswer('A');
    bench.wire.answer = sendJson(bare);
    expect(await bench.answerOf()).toMatchObject({ message: { content: 'A' }, usage: undefined });
    bench.wire.answer = sendEvents(textStream(['A']).map(withoutUsage));
    const chunks = await bench.chunksOf();
    expect(messageOf(chunks)).toMatchObject({ content: 'A' });
    expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: 'stop' }] });
  });

  it('keeps a usage that was told only at the beginning', async () => {
    const events = textStream(['A', 'B']);
    const told = events.map((event) => (event['type'] === 'message_start' ? event : withoutUsage(event)));
    bench.wire.answer = sendEvents(told);
    expect((await bench.chunksOf()).at(-1)).toMatchObject({ usage: { prompt_tokens: 1625, completion_tokens: 1 } });
  });

  it.each([
    ['nothing', {}, 0],
    ['no output', { input_tokens: 9 }, 0],
    ['an output that is no count', { output_tokens: null }, 0],
    ['text for a count', { output_tokens: '7' }, 7],
    ['only its output', { output_tokens: 7 }, 7],
    ['nothing for what it said before', { input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 7 }, 7],
  ])('reads a last usage that says %s with the first one', async (_what, usage, completion) => {
    const events = textStream(['A long answer, ', 'longer than the one token of the first usage.']);
    bench.wire.answer = sendEvents(
      events.map((event) => (event['type'] === 'message_delta' ? { ...event, usage } : event)),
    );
    // What it says of the output at first is only the beginning: with no later word, the count is left to the gateway.
    expect((await bench.chunksOf()).at(-1)).toMatchObject({ usage: { completion_tokens: completion } });
  });

  it('reads a first usage without anything', async () => {
    const [start = {}, ...rest] = textStream(['A']);
    bench.wire.answer = sendEvents([{ ...start, message: { ...(start['message'] as Json), usage: {} } }, ...rest]);
    expect(messageOf(await bench.chunksOf())).toMatchObject({ content: 'A' });
    bench.wire.answer = sendJson(textAnswer('A', { usage: { input_tokens: 9 } }));
    expect(await bench.answerOf()).toMatchObject({ message: { content: 'A' }, usage: undefined });
  });

  it('continues an answer that ended in white space without repeating it', async () => {
    bench.wire.answer = sendEvents(textStream([' ', ' two', ' three']));
    const body = { messages: [...HI.messages, { role: 'assistant', content: 'one  ' }] };
    expect(messageOf(await bench.chunksOf(body))).toMatchObject({ content: 'two three' });
  });
});

function withoutUsage({ usage: _usage, message, ...event }: Json): Json {
  if (typeof message !== 'object' || message === null) return event;
  const { usage: _early, ...rest } = message as Json;
  return { ...event, message: rest };
}
