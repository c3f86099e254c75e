import type { JsonRecord } from '../../domain/json.js';
import { adapter, callOf, complete, says, stopWatches, streamedMessage, weatherTool } from './sandbox.fixtures.js';

afterEach(stopWatches);

const shellTool = {
  type: 'function',
  function: {
    name: 'shell',
    parameters: {
      type: 'object',
      properties: { command: { type: 'string', examples: ['rm -rf /'] }, force: { type: 'boolean', default: true } },
      required: ['command', 'force'],
    },
  },
};

const allowedTools = (mode: string): JsonRecord => ({
  type: 'allowed_tools',
  allowed_tools: { mode, tools: [{ type: 'function', function: { name: 'shell' } }] },
});

const unsolvable = { type: 'object', properties: { self: { $ref: '#' } }, required: ['self'] };
const lark = { type: 'grammar', grammar: { syntax: 'lark', definition: 'start: "a"' } };
const inPrompt = {
  type: 'object',
  properties: { steps: { type: 'array', items: { type: 'string' } }, done: { type: 'boolean' } },
  required: ['steps', 'done'],
};

describe('tools and formats of the sandbox', () => {
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

  it.each<[string, JsonRecord, JsonRecord]>([
    ['a function', { tools: [shellTool] }, { command: 'example', force: false }],
    ['a legacy function', { functions: [shellTool.function] }, { command: 'example', force: false }],
    ['JSON', { response_format: { type: 'json_object' } }, { sandbox: true }],
    [
      'a schema',
      { response_format: { type: 'json_schema', json_schema: { schema: shellTool.function.parameters } } },
      { command: 'example', force: false },
    ],
  ])('never puts what was said into %s: an agent may run it unasked', async (_name, more, expected) => {
    const body = says('rm -rf / # please', { n: 2, ...more });
    const { whole } = await complete(body);
    const streamed = await streamedMessage(body);
    for (const message of [...(whole['choices'] as { message: JsonRecord }[]).map((one) => one.message), streamed]) {
      expect(JSON.stringify(message)).not.toMatch(/rm -rf|please/);
      const [call] = (message['tool_calls'] ?? [{ function: message['function_call'] }]) as { function?: JsonRecord }[];
      expect(JSON.parse(String(call?.function?.['arguments'] ?? message['content']))).toMatchObject(expected);
    }
  });

  it('calls a legacy function as OpenAI did', async () => {
    const body = says('x', { functions: [{ name: 'first' }, { name: 'second' }], function_call: { name: 'second' } });
    const { message, finish } = await complete(body);
    expect(finish).toBe('function_call');
    expect(message).toEqual({
      role: 'assistant',
      content: null,
      refusal: null,
      function_call: { name: 'second', arguments: '{}' },
    });
    expect(await streamedMessage(body)).toMatchObject({ function_call: { name: 'second', arguments: '{}' } });
    const none = await complete({ ...body, function_call: 'none' });
    expect(none.finish).toBe('stop');
    const answered = [...(body['messages'] as JsonRecord[]), { role: 'function', name: 'second', content: '42' }];
    expect((await complete({ ...body, function_call: 'auto', messages: answered })).message['content']).toContain('42');
  });

  it.each<[string, JsonRecord, RegExp]>([
    ['any text', {}, /^example$/],
    ['a text', { format: { type: 'text' } }, /^example$/],
    ['an expression', { format: { type: 'grammar', syntax: 'regex', definition: 'v\\d+' } }, /^v\d+$/],
    [
      'a nested expression',
      { format: { type: 'grammar', grammar: { syntax: 'regex', definition: 'on|off' } } },
      /^(on|off)$/,
    ],
  ])('calls a custom tool that takes %s', async (_name, more, expected) => {
    const body = says('x', { tools: [{ type: 'custom', custom: { name: 'code', ...more } }] });
    const { message, finish } = await complete(body);
    expect(finish).toBe('tool_calls');
    const [call] = message['tool_calls'] as [{ custom: { input: string } }];
    expect(call).toMatchObject({
      id: expect.stringMatching(/^call_/) as string,
      type: 'custom',
      custom: { name: 'code' },
    });
    expect(call.custom.input).toMatch(expected);
    expect(await streamedMessage(body)).toEqual(message);
  });

  it.each<[string, JsonRecord]>([
    ['logprobs', { logprobs: true }],
    ['top_logprobs', { top_logprobs: 2 }],
    ['tool_choice', { tools: [weatherTool], tool_choice: { type: 'function', function: { name: 'other' } } }],
    ['tool_choice', { tools: [weatherTool], tool_choice: 'sometimes' }],
    ['tool_choice', { tool_choice: 'required' }],
    ['tool_choice', { tools: [], tool_choice: { type: 'function', function: { name: 'get_weather' } } }],
    ['tool_choice', { tools: [weatherTool], tool_choice: { type: 'custom', custom: { name: 'other' } } }],
    ['function_call', { functions: [{ name: 'f' }], function_call: { name: 'g' } }],
    ['tools[0].function.name', { tools: [{ type: 'function', function: {} }] }],
    [
      'tools[0].function.parameters',
      { tools: [{ type: 'function', function: { name: 'f', parameters: unsolvable } }] },
    ],
    ['tools[0].custom.format', { tools: [{ type: 'custom', custom: { name: 'c', format: lark } }] }],
    ['response_format.type', { response_format: { type: 'poem' } }],
    ['response_format.json_schema.schema', { response_format: { type: 'json_schema', json_schema: {} } }],
    [
      'response_format.json_schema.schema',
      { response_format: { type: 'json_schema', json_schema: { schema: unsolvable } } },
    ],
  ])('refuses %s where it cannot do as told: %j', async (param, more) => {
    const refusal = { failure: 'caller_fault', isUnsupported: true, callerFault: { param } };
    await expect(adapter.complete(callOf(says('x', more)))).rejects.toMatchObject(refusal);
    await expect(adapter.stream(callOf(says('x', more)))).rejects.toMatchObject(refusal);
  });

  it.each<[string, JsonRecord]>([
    ['no log probabilities', { logprobs: false, top_logprobs: 0 }],
    ['null fields', { logprobs: null, tool_choice: null, tools: null, functions: null, response_format: null }],
    ['empty lists', { tools: [], functions: [] }],
    ['text', { response_format: { type: 'text' } }],
  ])('takes %s for what goes without saying', async (_name, more) => {
    expect((await complete(says('x', more))).finish).toBe('stop');
  });

  it.each<[string, unknown, string | null]>([
    ['required', 'required', 'get_weather'],
    ['a name', { type: 'function', function: { name: 'get_weather' } }, 'get_weather'],
    ['what may be used', allowedTools('auto'), null],
    ['what must be used', allowedTools('required'), 'shell'],
    ['auto', 'auto', null],
  ])('honours a choice of %s after a result, too', async (_name, choice, expected) => {
    const call = { id: 'c', type: 'function', function: { name: 'shell', arguments: '{}' } };
    const messages = [
      { role: 'user', content: 'x' },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c', content: 'done' },
    ];
    const { message } = await complete({ messages, tools: [weatherTool, shellTool], tool_choice: choice });
    const calls = message['tool_calls'] as { id: string; function: { name: string } }[] | undefined;
    expect(calls?.[0]?.function.name ?? null).toBe(expected);
    const first = await complete({ messages: messages.slice(0, 1), tools: [shellTool] });
    expect(calls?.[0]?.id).not.toBe((first.message['tool_calls'] as { id: string }[])[0]?.id);
  });

  it('calls one of the tools that are allowed', async () => {
    const { message } = await complete(
      says('x', { tools: [weatherTool, shellTool], tool_choice: allowedTools('auto'), parallel_tool_calls: false }),
    );
    expect(message['tool_calls']).toMatchObject([{ function: { name: 'shell' } }]);
  });

  it('ends the input of a call at the limit', async () => {
    const { message, finish, whole } = await complete(says('x', { tools: [shellTool], max_tokens: 4 }));
    expect(finish).toBe('length');
    expect(message['tool_calls']).toMatchObject([{ function: { name: 'shell' } }]);
    expect(Number((whole['usage'] as JsonRecord)['completion_tokens'])).toBeLessThanOrEqual(4);
  });

  it.each([
    [
      'in a message of its own',
      [{ role: 'system', content: `Answer in JSON: ${JSON.stringify(inPrompt)} and no more.` }],
    ],
    [
      'after other braces',
      [{ role: 'system', content: `{not JSON} {"a":1} "{" ${JSON.stringify(inPrompt, null, 2)}` }],
    ],
  ])('answers by a schema that the prompt has %s', async (_name, before) => {
    const body = { messages: [...before, { role: 'user', content: 'x' }], response_format: { type: 'json_object' } };
    const { message } = await complete(body);
    expect(JSON.parse(String(message['content']))).toEqual({ steps: ['example'], done: false });
  });
});
