import { HI, vendorBench } from '../../../../test/support/vendor-bench.js';
import { sendJson } from '../../../../test/support/vendor-wire.js';
import { AnthropicAdapter } from './anthropic.adapter.js';
import { textAnswer } from './anthropic.fixtures.js';

const bench = vendorBench((pools, clock) => new AnthropicAdapter(pools, clock), {
  model: 'claude-sonnet-4-5',
  path: '/v1',
  plain: textAnswer('Hello.'),
});

const WEATHER = { type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: {} } } };

describe('a request to Anthropic', () => {
  it('has its instructions first, its images, tool calls, results and cache marks where they belong', async () => {
    const mark = { type: 'ephemeral', ttl: '1h' };
    const sent = await bench.sentFor({
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'Be brief.', cache_control: mark }] },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?', cache_control: mark },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=', detail: 'low' } },
            { type: 'image_url', image_url: { url: 'https://example.com/cat.jpg' } },
            { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' } },
          ],
        },
        {
          role: 'assistant',
          content: 'I look.',
          tool_calls: [
            { id: 'c1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Paris"}' } },
            { id: 'c2', type: 'function', function: { name: 'get_weather', arguments: '' } },
          ],
        },
        { role: 'tool', tool_call_id: 'c1', content: 'rain' },
        { role: 'tool', tool_call_id: 'c2', content: [{ type: 'text', text: 'sun', cache_control: mark }] },
        { role: 'developer', content: 'Answer in French.' },
        { role: 'user', content: 'And now?' },
      ],
      max_completion_tokens: 300,
      max_tokens: 200,
      temperature: 0.4,
      stop: ['END'],
      tools: [{ ...WEATHER, cache_control: mark }],
      tool_choice: { type: 'function', function: { name: 'get_weather' } },
      parallel_tool_calls: false,
      user: 'someone',
      seed: 1,
      logit_bias: { '1': 5 },
    });
    expect(sent).toEqual({
      model: 'claude-sonnet-4-5',
      max_tokens: 300,
      temperature: 0.4,
      stop_sequences: ['END'],
      system: [
        { type: 'text', text: 'Be brief.', cache_control: mark },
        { type: 'text', text: 'Answer in French.' },
      ],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?', cache_control: mark },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } },
            { type: 'image', source: { type: 'url', url: 'https://example.com/cat.jpg' } },
            {
              type: 'document',
              source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' },
              title: 'a.pdf',
            },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'I look.' },
            { type: 'tool_use', id: 'c1', name: 'get_weather', input: { city: 'Paris' } },
            { type: 'tool_use', id: 'c2', name: 'get_weather', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'c1', content: 'rain' },
            {
              type: 'tool_result',
              tool_use_id: 'c2',
              content: [{ type: 'text', text: 'sun' }],
              cache_control: mark,
            },
            { type: 'text', text: 'And now?' },
          ],
        },
      ],
      tools: [{ name: 'get_weather', input_schema: { type: 'object', properties: {} }, cache_control: mark }],
      tool_choice: { type: 'tool', name: 'get_weather', disable_parallel_tool_use: true },
    });
  });

  it('carries the key, the version and nothing of the caller or the library', async () => {
    await bench.sentFor(HI);
    const { path, headers } = bench.wire.seen[0] ?? { path: '', headers: {} };
    expect(path).toBe('/v1/messages');
    expect(headers).toMatchObject({
      'x-api-key': 'sk-vendor-canary',
      'anthropic-version': '2023-06-01',
      'user-agent': 'joytoken-gateway',
    });
    expect(headers).not.toHaveProperty('authorization');
  });

  it.each([
    ['auto', { type: 'auto' }],
    ['required', { type: 'any' }],
  ])('tool_choice %s', async (choice, expected) => {
    const sent = await bench.sentFor({ ...HI, tools: [WEATHER], tool_choice: choice });
    expect(sent['tool_choice']).toEqual(expected);
  });

  it('tool_choice none leaves no tool to call', async () => {
    const sent = await bench.sentFor({ ...HI, tools: [WEATHER], tool_choice: 'none' });
    expect(sent['tools'] === undefined || sent['tool_choice'] !== undefined).toBe(true);
    expect(sent['tool_choice'] ?? { type: 'none' }).toEqual({ type: 'none' });
  });

  it('asks for a JSON schema natively, and for any JSON by a tool whose arguments are the answer', async () => {
    const schema = {
      type: 'object',
      properties: { a: { type: 'number' } },
      required: ['a'],
      additionalProperties: false,
    };
    const native = await bench.sentFor({
      ...HI,
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema, strict: true } },
    });
    expect(native['output_config']).toEqual({ format: { type: 'json_schema', schema } });

    bench.wire.answer = sendJson({
      ...textAnswer(''),
      content: [{ type: 'tool_use', id: 't', name: 'json', input: { a: 1 } }],
      stop_reason: 'tool_use',
    });
    const answer = await bench.answerOf({ ...HI, response_format: { type: 'json_object' } });
    expect(bench.wire.seen.at(-1)?.body['tool_choice']).toMatchObject({ type: 'any' });
    expect(answer).toMatchObject({ message: { content: '{"a":1}' }, finish_reason: 'stop' });
    expect(answer.message).not.toHaveProperty('tool_calls');
  });

  it.each([
    ['n', { n: 2 }],
    ['logprobs', { logprobs: true }],
    ['top_logprobs', { top_logprobs: 3 }],
    ['functions', { functions: [{ name: 'f' }] }],
    ['modalities', { modalities: ['text', 'audio'] }],
    ['reasoning_effort', { reasoning_effort: 'extreme' }],
    ['tool_choice', { tools: [WEATHER], tool_choice: { type: 'function', function: { name: 'other' } } }],
    ['tools[0].type', { tools: [{ type: 'custom', custom: { name: 'c' } }] }],
    ['response_format.type', { response_format: { type: 'grammar' } }],
    ['messages[0].role', { messages: [{ role: 'function', name: 'f', content: 'x' }] }],
    ['messages[0].tool_call_id', { messages: [{ role: 'tool', tool_call_id: 'c9', content: 'x' }] }],
    [
      'messages[0].content[0].image_url.url',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'file:///etc/passwd' } }] }] },
    ],
    [
      'messages[0].content[0].input_audio',
      { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'AA', format: 'wav' } }] }] },
    ],
    [
      'messages[0].content[0].file.file_id',
      { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }] },
    ],
    ['messages', { messages: [{ role: 'system', content: 'Only this.' }] }],
  ])('is refused for %s before anything is sent', async (param, more) => {
    await expect(bench.sentFor({ ...HI, ...more })).rejects.toMatchObject({
      failure: 'caller_fault',
      callerFault: { param, message: expect.stringContaining(param) as string },
    });
    expect(bench.wire.seen).toHaveLength(0);
  });
});
