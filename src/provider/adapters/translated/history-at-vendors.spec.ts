import { HI, vendorBench, type VendorBench } from '../../../../test/support/vendor-bench.js';
import { messageOf, sendEvents, sendJson, type Json } from '../../../../test/support/vendor-wire.js';
import { AnthropicAdapter } from '../anthropic/anthropic.adapter.js';
import { errorBody, textAnswer as anthropicAnswer, WHOLE } from '../anthropic/anthropic.fixtures.js';
import { GeminiAdapter } from '../gemini/gemini.adapter.js';
import { errorBody as geminiError, textAnswer as geminiAnswer } from '../gemini/gemini.fixtures.js';
import { SKIP_SIGNATURE } from '../history/thought-signatures.js';

const claude = vendorBench((pools, clock) => new AnthropicAdapter(pools, clock), {
  model: 'claude-sonnet-4-5',
  path: '/v1',
  plain: anthropicAnswer('Hello.'),
});
const gemini = vendorBench((pools, clock) => new GeminiAdapter(pools, clock), {
  model: 'a-name-of-the-operator',
  path: '/v1beta',
  plain: geminiAnswer('Hello.'),
});

const think = (thinking: string): Json => ({ type: 'thinking', thinking, signature: `signed ${thinking}` });
const says = (text: string): Json => ({ type: 'text', text });
const CALL = { type: 'tool_use', id: 'toolu_1', name: 'now', input: {} };
const RESULT = { role: 'tool', tool_call_id: 'toolu_1', content: '12:00' };

/** A message of Anthropic as its events. */
function eventsOf(content: readonly Json[]): Json[] {
  const blocks = content.flatMap((block, index): Json[] => {
    const { type, text, thinking, signature } = block;
    const delta = (more: Json): Json => ({ type: 'content_block_delta', index, delta: more });
    const start = {
      ...block,
      ...(type === 'text' ? { text: '' } : {}),
      ...(type === 'thinking' ? { thinking: '' } : {}),
    };
    return [
      { type: 'content_block_start', index, content_block: start },
      ...(type === 'text' ? [delta({ type: 'text_delta', text })] : []),
      ...(type === 'thinking' ? [delta({ type: 'thinking_delta', thinking })] : []),
      ...(type === 'thinking' ? [delta({ type: 'signature_delta', signature })] : []),
      { type: 'content_block_stop', index },
    ];
  });
  const { content: _content, ...head } = WHOLE;
  return [
    { type: 'message_start', message: { ...head, content: [], stop_reason: null } },
    ...blocks,
    { type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: null }, usage: { output_tokens: 9 } },
    { type: 'message_stop' },
  ];
}

/** Refuses once each, then answers. */
function refuseFirst(bench: VendorBench, refusals: readonly Json[], answer: Json): void {
  const left = [...refusals];
  bench.wire.answer = (response) => {
    const refusal = left.shift();
    return refusal === undefined ? sendJson(answer)(response) : sendJson(refusal, 400)(response);
  };
}

const partsOf = (body: Json | undefined, list: string, at: number, field: string): Json[] =>
  ((body?.[list] as Json[] | undefined)?.[at]?.[field] ?? []) as Json[];

describe('the order of a turn', () => {
  it.each([
    ['thoughts between texts', [think('one'), says('Let me see. '), think('two'), CALL]],
    ['thoughts after a text', [says('Well. '), think('one'), says('So.'), think('two'), says(' Then.'), CALL]],
    ['hidden thoughts', [think('one'), says('a'), { type: 'redacted_thinking', data: 'hidden' }, CALL]],
  ])('comes back as it was: %s', async (_what, content) => {
    claude.wire.answer = sendJson({ ...WHOLE, content });
    const { message } = await claude.answerOf();
    claude.wire.answer = sendEvents(eventsOf(content));
    const streamed = messageOf(await claude.chunksOf());
    for (const answer of [message, streamed]) {
      claude.wire.answer = sendJson(anthropicAnswer('Noon.'));
      const sent = await claude.sentFor({ messages: [...HI.messages, answer, RESULT] });
      expect(partsOf(sent, 'messages', 1, 'content')).toEqual(content);
    }
  });
});

describe('thoughts that the vendor cannot open', () => {
  const signed = (signature: string): Json => ({ thinking_blocks: [{ type: 'thinking', thinking: 't', signature }] });
  const called = (id: string, more: Json): Json => ({
    role: 'assistant',
    content: null,
    tool_calls: [{ id, type: 'function', function: { name: 'now', arguments: '{}' }, ...more }],
  });
  const refusal = errorBody('invalid_request_error', 'messages.1.content.0: Invalid `signature` in `thinking` block');

  it('are left out after a refusal, and from then on at once', async () => {
    const foreign = { role: 'assistant', content: 'Hm.', ...signed('elsewhere') };
    const messages = [...HI.messages, foreign, ...HI.messages];
    refuseFirst(claude, [refusal], anthropicAnswer('Hello.'));
    await claude.sentFor({ messages });
    await claude.sentFor({
      messages: [...messages, { role: 'assistant', content: 'Ah.', ...signed('here') }, ...HI.messages],
    });
    const kinds = claude.wire.seen.map(({ body }) => JSON.stringify(body).match(/elsewhere|here/g) ?? []);
    expect(kinds).toEqual([['elsewhere'], [], ['here']]);
  });

  it('are kept in the turn that goes on, unless they are refused, too', async () => {
    const messages = [
      ...HI.messages,
      { role: 'assistant', content: 'Hm.', ...signed('earlier') },
      ...HI.messages,
      { ...called('toolu_1', {}), ...signed('latest') },
      RESULT,
    ];
    refuseFirst(claude, [refusal, refusal], anthropicAnswer('Hello.'));
    await claude.sentFor({ messages });
    const kinds = claude.wire.seen.map(({ body }) => JSON.stringify(body).match(/earlier|latest/g) ?? []);
    expect(kinds).toEqual([['earlier', 'latest'], ['latest'], []]);
  });

  it('are not the cause of another refusal, which is told at once', async () => {
    const messages = [...HI.messages, { role: 'assistant', content: 'Hm.', ...signed('mine') }, ...HI.messages];
    refuseFirst(claude, [errorBody('invalid_request_error', 'max_tokens: too large')], anthropicAnswer('Hello.'));
    await expect(claude.sentFor({ messages })).rejects.toMatchObject({ failure: 'caller_fault' });
    expect(claude.wire.seen).toHaveLength(1);
  });

  it('are not sent to Anthropic when they say that they are of another vendor', async () => {
    const detail = { type: 'reasoning.encrypted', data: 'opaque', format: 'google-gemini-v1' };
    const sent = await claude.sentFor({
      messages: [...HI.messages, { role: 'assistant', content: 'Hm.', reasoning_details: [detail] }, ...HI.messages],
    });
    expect(JSON.stringify(sent)).not.toContain('opaque');
  });

  it.each([
    ['missing', {}, 'Function call `now` is missing a `thought_signature`.'],
    ['foreign', { extra_content: { google: { thought_signature: 'elsewhere' } } }, 'Corrupted thought signature.'],
  ])('are %s at Gemini: its own word for that stands at the first call', async (_what, more, message) => {
    refuseFirst(gemini, [geminiError(400, 'INVALID_ARGUMENT', message)], geminiAnswer('Noon.'));
    const sent = await gemini.sentFor({ messages: [...HI.messages, called('toolu_1', more), RESULT] });
    expect(partsOf(sent, 'contents', 1, 'parts')).toMatchObject([
      { functionCall: { name: 'now' }, thoughtSignature: SKIP_SIGNATURE },
    ]);
  });
});

describe('names of tools that the vendor does not take', () => {
  const LONG = `mcp__${'x'.repeat(140)}`;

  it('are changed in the request and restored in the answer, whole and streamed', async () => {
    const tools = [LONG, 'now'].map((name) => ({ type: 'function', function: { name } }));
    const body = { ...HI, tools, tool_choice: { type: 'function', function: { name: LONG } } };
    const sent = await claude.sentFor(body);
    const [{ name } = { name: '' }, other] = sent['tools'] as { name: string }[];
    expect(name).toMatch(/^[a-zA-Z0-9_-]{1,128}$/);
    expect(other?.name).toBe('now');
    expect(sent['tool_choice']).toMatchObject({ type: 'tool', name });
    const content = [{ ...CALL, name }];
    claude.wire.answer = sendJson({ ...WHOLE, content });
    const { message } = await claude.answerOf(body);
    claude.wire.answer = sendEvents(eventsOf(content));
    for (const answer of [message, messageOf(await claude.chunksOf(body))]) {
      expect(answer).toMatchObject({ tool_calls: [{ function: { name: LONG } }] });
    }
    claude.wire.answer = sendJson(anthropicAnswer('Noon.'));
    const next = await claude.sentFor({ ...body, tool_choice: 'auto', messages: [...HI.messages, message, RESULT] });
    expect(partsOf(next, 'messages', 1, 'content')).toMatchObject([{ type: 'tool_use', name }]);
  });
});

it('bounds of a strict tool go to Claude as words', async () => {
  const parameters = {
    type: 'object',
    properties: { n: { type: 'integer', minimum: 1 } },
    required: ['n'],
    additionalProperties: false,
  };
  const tools = [{ type: 'function', function: { name: 'f', strict: true, parameters } }];
  const sent = await claude.sentFor({ ...HI, tools });
  expect(sent['tools']).toMatchObject([
    { strict: true, input_schema: { properties: { n: { type: 'integer', description: '(minimum: 1)' } } } },
  ]);
  expect(JSON.stringify(sent)).not.toContain('"minimum"');
});
