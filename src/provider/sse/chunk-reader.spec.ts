import { UpstreamFailure } from '../domain/failure.js';
import { completionOutput } from '../domain/completion-text.js';
import { ChunkReader } from './chunk-reader.js';

function read(reader: ChunkReader, payload: unknown, event = 'message') {
  return reader.read(typeof payload === 'string' ? payload : JSON.stringify(payload), event);
}

const choice = (delta: unknown, more: object = {}) => ({
  choices: [{ index: 0, delta, finish_reason: null, ...more }],
});

describe('ChunkReader', () => {
  it.each([
    ['a role chunk', choice({ role: 'assistant', content: '' }), false],
    ['an empty delta', choice({}), false],
    ['filter results without choices', { choices: [], prompt_filter_results: [{}] }, false],
    ['text', choice({ content: 'a' }), true],
    ['reasoning', choice({ reasoning_content: 'a' }), true],
    ['reasoning under its other name', choice({ reasoning: 'a' }), true],
    ['a refusal', choice({ refusal: 'a' }), true],
    ['a tool call without arguments yet', choice({ tool_calls: [{ index: 0, function: { name: 'f' } }] }), true],
    ['a legacy function call', choice({ function_call: { name: 'f' } }), true],
    ['audio', choice({ audio: { data: 'AAAA' } }), true],
    ['a finish reason', choice({}, { finish_reason: 'stop' }), true],
  ])('knows whether a caller waits for it: %s', (_name, payload, isContent) => {
    expect(read(new ChunkReader(), payload).isContent).toBe(isContent);
  });

  it.each(['\n', '\r'])('passes on in one line what came in several: %j', (lineEnd) => {
    const reader = new ChunkReader();
    for (const text of ['a', 'b', '']) {
      const { data } = read(reader, JSON.stringify(choice({ content: text })).replaceAll(',', `,${lineEnd}`));
      expect(data).not.toMatch(/[\r\n]/);
      expect(JSON.parse(data)).toEqual(choice({ content: text }));
    }
  });

  it.each([
    ['a function', { tool_calls: [{ index: 0, function: { name: 'f', arguments: '{}' } }] }, 'f{}'],
    ['a legacy function', { function_call: { name: 'f', arguments: '{}' } }, 'f{}'],
    ['a custom tool', { tool_calls: [{ index: 0, type: 'custom', custom: { name: 'f', input: 'ls' } }] }, 'fls'],
  ])('counts the call of %s as output, streamed and whole', (_name, delta, text) => {
    expect(read(new ChunkReader(), choice(delta)).pieces).toEqual([{ channel: 'tool', text }]);
    expect(completionOutput({ choices: [{ message: delta }] }).text).toBe(text);
  });

  it('counts the same reasoning once when it comes under two names', () => {
    const chunk = read(new ChunkReader(), choice({ reasoning_content: 'think', reasoning: 'think' }));
    expect(chunk.pieces).toEqual([{ channel: 'reasoning', text: 'think' }]);
  });

  it.each([
    ['no list of choices', { id: 'c' }, { id: 'c', choices: [] }],
    ['a choice without a delta', { choices: [{ index: 0 }] }, { choices: [{ index: 0, delta: {} }] }],
    ['a finish reason that is none', choice({ content: 'a' }, { finish_reason: '' }), choice({ content: 'a' })],
    [
      'thoughts and text in parts',
      choice({
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
          { type: 'text', text: 'a' },
        ],
      }),
      choice({ content: 'a', reasoning_content: 'hm' }),
    ],
    [
      'usage where Groq puts it',
      { choices: [], x_groq: { usage: { prompt_tokens: 1, completion_tokens: 2 } } },
      {
        choices: [],
        x_groq: { usage: { prompt_tokens: 1, completion_tokens: 2 } },
        usage: { prompt_tokens: 1, completion_tokens: 2 },
      },
    ],
    [
      'a tool call that clients could not place',
      choice({ tool_calls: [{ id: 'a', function: { name: 'f', arguments: { x: 1 } } }] }),
      choice({ tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{"x":1}' }, index: 0, type: 'function' }] }),
    ],
  ])('puts right for clients: %s', (_name, payload, expected) => {
    expect(JSON.parse(read(new ChunkReader(), payload).data)).toEqual(expected);
  });

  it('leaves parts alone that are no text', () => {
    const payload = choice({ content: [{ type: 'image_url', image_url: { url: 'data:,' } }] });
    expect(JSON.parse(read(new ChunkReader(), payload).data)).toEqual(payload);
  });

  it('keeps the payload as it came, spaces and all', () => {
    const data = '{ "choices" : [ { "index":0, "delta": {"content":"\\u00e4"} } ] }';
    expect(read(new ChunkReader(), data)).toMatchObject({ data, outputChars: 1 });
  });

  it.each([-1, 1.5, '7x', 1e12, Number.MAX_SAFE_INTEGER, null, {}])('ignores a usage with %j tokens', (tokens) => {
    const reader = new ChunkReader();
    expect(read(reader, { choices: [], usage: { prompt_tokens: 3, completion_tokens: tokens } }).usageOnly).toBe(true);
    expect(reader.usage).toBeNull();
  });

  it('reads usage out of the choices, of each its own completion', () => {
    const reader = new ChunkReader(2);
    const usage = (tokens: number) => ({ prompt_tokens: 9, completion_tokens: tokens, cached_tokens: 4 });
    read(reader, choice({}, { finish_reason: 'stop', usage: usage(3) }));
    const last = read(reader, choice({}, { index: 1, finish_reason: 'stop', usage: usage(5) }));
    expect(reader.usage).toEqual({ inputTokens: 5, outputTokens: 8, cachedInputTokens: 4, cachedOutputTokens: 0 });
    expect(JSON.parse(last.data)).not.toHaveProperty('choices.0.usage');
  });

  it('reads the usage of an error', () => {
    const reader = new ChunkReader();
    const error = { error: { message: 'x' }, usage: { prompt_tokens: 3, completion_tokens: 2 } };
    expect(() => read(reader, error)).toThrow(UpstreamFailure);
    expect(reader.usage).toMatchObject({ inputTokens: 3, outputTokens: 2 });
  });

  it.each<[string, object[], boolean, number | null]>([
    [
      'the last word',
      [choice({ content: 'x'.repeat(99) }), { usage: { prompt_tokens: 3, completion_tokens: 1 } }],
      true,
      1,
    ],
    [
      'an early one of the whole',
      [{ usage: { prompt_tokens: 3, completion_tokens: 9 } }, choice({ content: 'x'.repeat(99) })],
      true,
      9,
    ],
    [
      'an early one of a part',
      [{ usage: { prompt_tokens: 3, completion_tokens: 1 } }, choice({ content: 'x'.repeat(99) })],
      true,
      null,
    ],
    [
      'an early one of a stream that broke',
      [{ usage: { prompt_tokens: 3, completion_tokens: 9 } }, choice({ content: 'x' })],
      false,
      null,
    ],
    [
      'one a piece',
      Array.from({ length: 9 }, () => ({
        ...choice({ content: 'x'.repeat(9) }),
        usage: { prompt_tokens: 3, completion_tokens: 1 },
      })),
      true,
      null,
    ],
    [
      'none of the output',
      [choice({ content: 'x' }), { usage: { prompt_tokens: 3, completion_tokens: 0 } }],
      true,
      null,
    ],
    [
      'a notice of a filter',
      [
        choice({ refusal: 'Blocked.' }, { finish_reason: 'content_filter' }),
        { usage: { prompt_tokens: 25, completion_tokens: 0 } },
      ],
      true,
      0,
    ],
    [
      'a refusal that the model wrote',
      [choice({ refusal: 'No.' }), { usage: { prompt_tokens: 25, completion_tokens: 0 } }],
      true,
      null,
    ],
  ])('believes a count as far as it can be true: %s', (_name, payloads, isComplete, tokens) => {
    const reader = new ChunkReader();
    for (const payload of payloads) read(reader, payload);
    expect(reader.countedUsage(isComplete)?.outputTokens ?? null).toBe(tokens);
  });

  it('knows when output has come after the last usage', () => {
    const reader = new ChunkReader();
    const usage = { prompt_tokens: 3, completion_tokens: 1 };
    read(reader, { ...choice({ content: 'a' }), usage });
    expect(reader.hasOutputSinceUsage).toBe(false);
    read(reader, choice({ content: 'b' }));
    expect(reader.hasOutputSinceUsage).toBe(true);
  });
});

describe('chunks of the form of an earlier one', () => {
  const compact = (text: string, more = '') =>
    `{"id":"x","choices":[{"index":0,"delta":{"content":${JSON.stringify(text)}},"finish_reason":null}]${more}}`;
  const spaced = (text: string) =>
    `{"id": "x", "choices": [{"index": 0, "delta": {"content": ${JSON.stringify(text)}}, "finish_reason": null}]}`;
  const texts = ['Hello', ' wörld', '漢字', '🦊', 'a "quote"', 'line\nbreak', '\\', '', 'x'.repeat(500), '\u2028', ' '];

  it.each([
    ['compact', compact],
    ['with spaces', spaced],
  ])('are read as if they were parsed: %s', (_name, write) => {
    const [taught, fresh] = [new ChunkReader(), () => new ChunkReader()];
    read(taught, write('first'));
    for (const text of texts) {
      expect(read(taught, write(text))).toEqual(read(fresh(), write(text)));
    }
  });

  it.each([
    ['a finish reason', '{"id":"x","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}'],
    ['usage', compact('a', ',"usage":{"prompt_tokens":1,"completion_tokens":1}')],
    ['an error', compact('a', ',"error":{"message":"x"}')],
    ['text that ends the string', compact('a').replace('"a"', '"a"},"finish_reason":"stop"}],"x":{"y":{"z":"b"')],
    ['a cut payload', compact('a').slice(0, -3)],
    ['a raw control character', compact('a').replace('"a"', '"a\u0001"')],
  ])('are parsed when they differ in more than their text: %s', (_name, data) => {
    const taught = new ChunkReader();
    read(taught, compact('first'));
    const outcome = (reader: ChunkReader): unknown => {
      try {
        return [reader.read(data, 'message'), reader.isFinished, reader.usage];
      } catch (error) {
        return String(error);
      }
    };
    expect(outcome(taught)).toEqual(outcome(new ChunkReader()));
  });

  it('do not hide an event named error', () => {
    const taught = new ChunkReader();
    read(taught, compact('first'));
    expect(() => read(taught, compact('second'), 'error')).toThrow('error_in_stream');
  });

  it('do not confuse the text with another field called content', () => {
    const taught = new ChunkReader();
    const write = (text: string) => `{"note":{"content":"note"},"choices":[{"delta":{"content":"${text}"}}]}`;
    read(taught, write('note'));
    expect(read(taught, write('other')).pieces).toEqual([{ channel: 'content', text: 'other' }]);
  });
});
