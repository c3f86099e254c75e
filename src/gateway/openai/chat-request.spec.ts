import { AppError } from '../../platform/errors/index.js';
import { capabilitiesOf, guardedFieldsOf, parseChatRequest, sessionKeyOf, upstreamBodyOf } from './chat-request.js';

const messages = [{ role: 'user', content: 'hello' }];

const partsOf = (...content: unknown[]): unknown => ({ messages: [{ role: 'user', content }] });

function namesOf(body: ReturnType<typeof parseChatRequest>): string[] {
  return guardedFieldsOf(body).map(({ name }) => name);
}

function refusalOf(body: unknown): AppError {
  try {
    parseChatRequest(body);
  } catch (error) {
    if (error instanceof AppError) return error;
  }
  throw new Error('the body was accepted');
}

describe('a chat request', () => {
  it.each([
    ['messages', {}, 'missing_required_parameter'],
    ['messages', { messages: null }, 'missing_required_parameter'],
    ['messages', { messages: [] }, 'invalid_value'],
    ['messages', { messages: 'hi' }, 'invalid_value'],
    ['messages[0].role', { messages: [{ content: 'hi' }] }, 'invalid_value'],
    ['messages[0].content', { messages: [{ role: 'user', content: 7 }] }, 'invalid_value'],
    ['messages[0].content[1].type', partsOf({ type: 'text' }, { text: 'x' }), 'invalid_value'],
    ['messages[0].content[0]', partsOf('x'), 'invalid_value'],
    ['tools[1].type', { messages, tools: [{ type: 'function' }, {}] }, 'invalid_value'],
    ['temperature', { messages, temperature: 2.1 }, 'invalid_value'],
    ['temperature', { messages, temperature: 'warm' }, 'invalid_value'],
    ['top_p', { messages, top_p: -0.1 }, 'invalid_value'],
    ['max_tokens', { messages, max_tokens: 0 }, 'invalid_value'],
    ['max_completion_tokens', { messages, max_completion_tokens: 1.5 }, 'invalid_value'],
    ['n', { messages, n: 17 }, 'invalid_value'],
    ['stream', { messages, stream: 'yes' }, 'invalid_value'],
    ['model', { messages, model: 4 }, 'invalid_value'],
    ['tools', { messages, tools: {} }, 'invalid_value'],
  ])('is refused with param %s for %j', (param, body, code) => {
    const error = refusalOf(body);
    expect(error.kind).toBe('invalid_request');
    expect(error.param).toBe(param);
    expect(error.code).toBe(code);
  });

  it.each([
    [{ messages: [null] }, 'must be an object'],
    [{ messages: [{ role: '' }] }, 'must be a string that is not empty'],
    [{ messages, model: '' }, 'must be a string of 1 to 256 characters'],
    [{ messages, model: 'x'.repeat(257) }, 'must be a string of 1 to 256 characters'],
    [{ messages, max_tokens: 2 ** 31 }, 'must be an integer from 1 to 2147483647'],
    [{ messages, max_tokens: 1e30 }, 'must be an integer from 1 to 2147483647'],
    [{ messages, temperature: Infinity }, 'must be a number from 0 to 2'],
    [{ messages, tools: [null] }, 'must be an object'],
    [{ messages, response_format: {} }, 'must be a string'],
  ])('says what it wants instead: %j', (body, wanted) => {
    expect(refusalOf(body).message.endsWith(`: ${wanted}`)).toBe(true);
  });

  it('may ask for more output than any wallet can pay: that is not a fault of the form', () => {
    expect(parseChatRequest({ messages, max_tokens: 2 ** 31 - 1 })).toMatchObject({ max_tokens: 2 ** 31 - 1 });
  });

  it.each([[null], ['text'], [7], [[]]])('is refused when it is %j instead of an object', (body) => {
    expect(refusalOf(body).code).toBe('invalid_body');
  });

  it('takes null for absent and keeps every unknown field and message key', () => {
    const body = {
      messages: [{ role: 'assistant', content: null, thought_signature: 's', extra_content: { a: [1] } }],
      tools: null,
      max_tokens: null,
      stream: null,
      made_up: { deep: [1, { x: null }] },
    };
    expect(parseChatRequest(body)).toBe(body);
  });

  it('reaches the provider without the tier and otherwise unchanged', () => {
    const body = parseChatRequest({ messages, tier: 'economy', tools: null, made_up: 1 });
    expect(upstreamBodyOf(body)).toEqual({ messages, tools: null, made_up: 1 });
  });

  it('names the fields that would change destination or price', () => {
    const body = parseChatRequest({
      messages,
      models: ['a'],
      provider: null,
      service_tier: 'priority',
      tools: [{ type: 'web_search' }],
    });
    expect(namesOf(body).sort()).toEqual(['models', 'service_tier', 'tools']);
  });

  it.each([
    ['modalities', ['text', 'audio']],
    ['modalities', ['image', 'text']],
    ['modalities', 'audio'],
    ['audio', { voice: 'alloy', format: 'wav' }],
    ['search_parameters', { mode: 'on' }],
    ['enable_search', true],
    ['preset', 'mine'],
  ])('names %s: %j, which costs extra or goes elsewhere', (field, value) => {
    expect(namesOf(parseChatRequest({ messages, [field]: value }))).toEqual([field]);
  });

  it('says where a hosted tool is', () => {
    const tools = [{ type: 'function' }, { type: 'web_search' }];
    expect(guardedFieldsOf(parseChatRequest({ messages, tools }))).toEqual([
      { name: 'tools', param: 'tools[1].type', hostedTool: 'web_search' },
    ]);
  });

  it.each([
    ['service_tier', 'auto'],
    ['service_tier', 'default'],
    ['modalities', ['text']],
    ['enable_search', false],
    ['audio', null],
    ['tools', [{ type: 'function' }]],
  ])('lets %s: %j pass, which says what leaving it out says', (field, value) => {
    expect(guardedFieldsOf(parseChatRequest({ messages, [field]: value }))).toEqual([]);
  });

  it('tells what a model has to be able to do', () => {
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } };
    const body = parseChatRequest({
      messages: [{ role: 'user', content: [{ type: 'text', text: 'what is it' }, image] }],
      tools: [{ type: 'function' }],
      response_format: { type: 'json_schema' },
    });
    expect(capabilitiesOf(body)).toEqual({ tools: true, vision: true, jsonSchema: true });
    expect(capabilitiesOf(parseChatRequest({ messages, functions: [{ name: 'f' }] }))).toMatchObject({ tools: true });
    expect(capabilitiesOf(parseChatRequest({ messages, tools: [], functions: null }))).toEqual({
      tools: false,
      vision: false,
      jsonSchema: false,
    });
  });

  it('belongs to one session by user, else by its first system and user message, and never to that of another key', () => {
    const turn = (content: string): ReturnType<typeof parseChatRequest> =>
      parseChatRequest({ messages: [...messages, { role: 'assistant', content: 'hi' }, { role: 'user', content }] });
    expect(sessionKeyOf(turn('a'), 'k1')).toBe(sessionKeyOf(turn('b'), 'k1'));
    expect(sessionKeyOf(turn('a'), 'k1')).not.toBe(sessionKeyOf(turn('a'), 'k2'));
    const named = parseChatRequest({ messages: [{ role: 'user', content: 'x' }], user: 'ada' });
    expect(sessionKeyOf(named, 'k1')).toBe(sessionKeyOf(parseChatRequest({ messages, user: 'ada' }), 'k1'));
  });

  it('is clamped in the names that it uses, and in the one that its provider knows', () => {
    const clamped = (body: object, ...urls: string[]): Record<string, unknown> => {
      const { messages: _messages, ...rest } = upstreamBodyOf(parseChatRequest({ messages, ...body }), 100, urls);
      return rest;
    };
    expect(clamped({ max_tokens: 32_000 }, 'https://api.openai.com/v1')).toEqual({ max_tokens: 100 });
    expect(clamped({ max_tokens: 50, max_completion_tokens: 200 })).toEqual({
      max_tokens: 50,
      max_completion_tokens: 100,
    });
    expect(clamped({ max_tokens: null }, 'https://api.deepseek.com')).toEqual({ max_tokens: 100 });
    expect(clamped({}, 'https://api.openai.com/v1', 'https://x.openai.azure.com')).toEqual({
      max_completion_tokens: 100,
    });
    expect(clamped({}, 'https://api.openai.com/v1', 'https://api.openai.com.evil.example')).toEqual({
      max_tokens: 100,
    });
  });
});
