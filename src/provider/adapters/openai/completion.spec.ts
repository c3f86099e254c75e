import { readCompletion } from './completion.js';

describe('readCompletion', () => {
  it('takes a completion as it is', async () => {
    const message = { content: null, tool_calls: [] };
    const body = { id: 'x', choices: [{ message, finish_reason: 'stop' }], error: null, extra: [1] };
    expect(await readCompletion(Buffer.from(JSON.stringify(body)))).toEqual(body);
  });

  it('invents no finish reason, and reads a byte order mark', async () => {
    const body = (usage: object): Buffer =>
      Buffer.from(`\ufeff${JSON.stringify({ choices: [{ message: { content: 'a' } }], ...usage })}`);
    expect(await readCompletion(body({}))).toMatchObject({ choices: [{ finish_reason: null }] });
    const counted = { usage: { prompt_tokens: 1, completion_tokens: 1 } };
    expect(await readCompletion(body(counted))).toMatchObject({ choices: [{ finish_reason: 'stop' }] });
  });

  it('puts right what clients stumble over', async () => {
    const call = { function: { name: 'f', arguments: { x: 1 } } };
    const body = { choices: [{ message: { content: [{ type: 'text', text: 'a' }], tool_calls: [call] } }] };
    expect(await readCompletion(Buffer.from(`\n\n${JSON.stringify(body)}`))).toEqual({
      choices: [
        {
          finish_reason: 'tool_calls',
          message: {
            content: 'a',
            tool_calls: [
              {
                id: expect.stringMatching(/^call_[0-9a-f]+$/) as string,
                type: 'function',
                function: { name: 'f', arguments: '{"x":1}' },
              },
            ],
          },
        },
      ],
    });
  });

  it('gives every call an id of its own and arguments that are a text', async () => {
    const called = [
      { id: 'a', type: 'function', function: { name: 'f', arguments: null } },
      { id: 'a', type: 'function', function: { name: 'g' } },
      { id: 'b', type: 'function', function: { name: 'h', arguments: '' } },
    ];
    const body = { choices: [{ message: { content: null, tool_calls: called }, finish_reason: 'tool_calls' }] };
    const read = (await readCompletion(Buffer.from(JSON.stringify(body)))) as typeof body;
    const calls = read.choices[0]?.message.tool_calls ?? [];
    expect(calls.map(({ function: { arguments: text } }) => text)).toEqual(['{}', '{}', '{}']);
    expect(calls.map(({ id }) => id)).toEqual(['a', expect.stringMatching(/^call_[0-9a-f]+$/), 'b']);
  });

  it.each([
    ['', 'broken_json'],
    ['{"choices":[{"message":{"content":"cut', 'broken_json'],
    ['<html>', 'broken_json'],
    ['[]', 'broken_json'],
    [`{"choices":[{"message":{}}],"x":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, 'answer_too_complex'],
    ['null', 'broken_json'],
    ['{"error":{"message":"overloaded"}}', 'error_in_answer'],
    ['{"error":"overloaded","choices":[{"message":{}}]}', 'error_in_answer'],
    ['{"object":"error","message":"down","code":500}', 'error_in_answer'],
    ['{"choices":[{"message":{},"finish_reason":"error"}]}', 'error_in_answer'],
    ['{}', 'no_choices'],
    ['{"choices":[]}', 'no_choices'],
    ['{"choices":{}}', 'no_choices'],
    ['{"choices":[{"message":{"content":"a"},"finish_reason":"insufficient_system_resource"}]}', 'model_fault'],
    ['{"choices":[{"message":{"content":""},"finish_reason":"weird"}]}', 'unknown_finish'],
    ['{"choices":[{"message":{"role":"assistant"}}]}', 'unknown_finish'],
    ['{"code":500,"message":"down"}', 'error_in_answer'],
    ['{"detail":"down"}', 'error_in_answer'],
    ['{"choices":[{}]}', 'no_message'],
    ['{"choices":[null]}', 'no_message'],
  ])('takes %j for a fault of the endpoint', async (text, reason) => {
    const failure = { failure: 'endpoint_fault', reason };
    await expect(readCompletion(Buffer.from(text))).rejects.toMatchObject(failure);
  });
});
