import { completionOfEvents, looksLikeEvents } from './completion-of-events.js';

const chunk = (delta: object, finish_reason: string | null = null): object => ({
  id: 'c',
  object: 'chat.completion.chunk',
  model: 'm',
  choices: [{ index: 0, delta, finish_reason }],
});
const events = (...payloads: readonly (object | string)[]): Buffer =>
  Buffer.from(payloads.map((one) => `data: ${typeof one === 'string' ? one : JSON.stringify(one)}\n\n`).join(''));

describe('a whole answer that came as events', () => {
  it('is put together, with thoughts, calls and usage', async () => {
    const usage = { prompt_tokens: 3, completion_tokens: 4 };
    const call = (index: number, id: string, name: string): object => ({
      index,
      id,
      type: 'function',
      function: { name, arguments: '' },
    });
    const body = events(
      chunk({ role: 'assistant', content: '' }),
      chunk({ reasoning_content: 'h' }),
      chunk({ reasoning_content: 'm' }),
      chunk({ content: 'a' }),
      chunk({ content: 'b' }),
      chunk({ tool_calls: [call(0, 'x', 'f')] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: '{"a"' } }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: ':1}' } }] }),
      chunk({ tool_calls: [call(1, 'y', 'g')] }),
      chunk({ tool_calls: [{ index: 1, function: { arguments: '{}' } }] }),
      chunk({}, 'tool_calls'),
      { ...chunk({}), choices: [], usage },
      '[DONE]',
    );
    expect(looksLikeEvents(body)).toBe(true);
    expect(await completionOfEvents(body)).toEqual({
      id: 'c',
      object: 'chat.completion',
      model: 'm',
      usage,
      choices: [
        {
          index: 0,
          finish_reason: 'tool_calls',
          message: {
            role: 'assistant',
            content: 'ab',
            reasoning_content: 'hm',
            tool_calls: [
              { id: 'x', type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
              { id: 'y', type: 'function', function: { name: 'g', arguments: '{}' } },
            ],
          },
        },
      ],
    });
  });

  it.each([
    ['cut', events(chunk({ content: 'a' }))],
    ['no_finish', events(chunk({ content: 'a' }), '[DONE]')],
    ['error_in_stream', events(chunk({ content: 'a' }), { error: { message: 'down' } })],
    ['malformed_chunk', events(chunk({ content: 'a' }), '{"cho', '[DONE]')],
    ['no_choices', events('[DONE]')],
  ])('is a failure when it is none: %s', async (reason, body) => {
    await expect(completionOfEvents(body)).rejects.toMatchObject({ reason });
  });

  it('is put together in linear time, whatever its chunks are named', async () => {
    const parts = Array.from({ length: 20_000 }, (_, at) => ({
      ...chunk({ content: 'a' }),
      [`own_${String(at)}`]: 1,
      choices: [{ index: 0, delta: { content: 'a' }, [`own_${String(at)}`]: 1 }],
    }));
    const completion = await completionOfEvents(events(...parts, chunk({}, 'stop'), '[DONE]'));
    expect(completion).toMatchObject({ own_19999: 1, choices: [{ own_19999: 1, finish_reason: 'stop' }] });
  });

  it('is not taken for one when it is JSON', () => {
    expect(looksLikeEvents(Buffer.from('\n {"data":1}'))).toBe(false);
    expect(looksLikeEvents(Buffer.from('\ufeff: ping\n\ndata: {}\n\n'))).toBe(true);
  });
});
