/**
 * Answers in the wire format of the Messages API (platform.claude.com/docs/en/api/messages and …/build-with-claude/streaming),
 * one answer whole and the same one as a stream.
 */
type Json = Record<string, unknown>;

const USAGE = {
  input_tokens: 25,
  cache_creation_input_tokens: 400,
  cache_read_input_tokens: 1200,
  cache_creation: { ephemeral_5m_input_tokens: 400, ephemeral_1h_input_tokens: 0 },
  service_tier: 'standard',
};

const THINKING = { type: 'thinking', thinking: 'Two cities, so two calls.', signature: 'EqQBCgIYAhIM1gbcDa9GJwZA2b3h' };
const HIDDEN = { type: 'redacted_thinking', data: 'EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5' };
const TEXT = { type: 'text', text: 'Let me look — 天气.' };
const PARIS = { type: 'tool_use', id: 'toolu_01A', name: 'get_weather', input: { city: 'Paris', unit: 'C' } };
const NOW = { type: 'tool_use', id: 'toolu_01B', name: 'now', input: {} };

/** Thinking, hidden thinking, text, two tool calls (the second without arguments), cached tokens. */
export const WHOLE: Json = {
  id: 'msg_01XFDUDYJgAACzvnptvVoYEL',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5-20250929',
  content: [THINKING, HIDDEN, TEXT, PARIS, NOW],
  stop_reason: 'tool_use',
  stop_sequence: null,
  usage: { ...USAGE, output_tokens: 89, output_tokens_details: { thinking_tokens: 12 } },
};

const { content: _content, stop_reason: _stop, usage: _usage, ...HEAD } = WHOLE;

export const STREAMED: readonly Json[] = [
  started(),
  { type: 'ping' },
  ...block(0, { ...THINKING, thinking: '', signature: '' }, [
    { type: 'thinking_delta', thinking: 'Two cities,' },
    { type: 'thinking_delta', thinking: ' so two calls.' },
    { type: 'signature_delta', signature: THINKING.signature },
  ]),
  ...block(1, HIDDEN, []),
  ...block(2, { ...TEXT, text: '' }, [
    { type: 'text_delta', text: 'Let me look' },
    { type: 'text_delta', text: ' — 天气.' },
  ]),
  ...block(3, { ...PARIS, input: {} }, [
    { type: 'input_json_delta', partial_json: '' },
    { type: 'input_json_delta', partial_json: '{"city":"Par' },
    { type: 'input_json_delta', partial_json: 'is","unit":"C"}' },
  ]),
  ...block(4, NOW, []),
  ended('tool_use', { output_tokens: 89, output_tokens_details: { thinking_tokens: 12 } }),
  { type: 'message_stop' },
];

/** A stream of nothing but this text, and how it ended. */
export function textStream(pieces: readonly string[], stopReason = 'end_turn', more: Json = {}): Json[] {
  const deltas = pieces.map((text) => ({ type: 'text_delta', text }));
  return [
    started(),
    ...block(0, { type: 'text', text: '' }, deltas),
    ended(stopReason, { output_tokens: pieces.length }, more),
    { type: 'message_stop' },
  ];
}

/** A whole answer of this text. */
export function textAnswer(text: string, more: Json = {}): Json {
  const usage = { ...USAGE, output_tokens: 5 };
  return { ...WHOLE, content: [{ type: 'text', text }], stop_reason: 'end_turn', usage, ...more };
}

export function errorBody(type: string, message: string): Json {
  return { type: 'error', error: { type, message }, request_id: 'req_011CSHoEeqs5C35K2UUqR7Fy' };
}

function started(): Json {
  const message = {
    ...HEAD,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { ...USAGE, output_tokens: 1 },
  };
  return { type: 'message_start', message };
}

function block(index: number, content: Json, deltas: readonly Json[]): Json[] {
  return [
    { type: 'content_block_start', index, content_block: content },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
}

function ended(stopReason: string, usage: Json, more: Json = {}): Json {
  return { type: 'message_delta', delta: { stop_reason: stopReason, stop_sequence: null, ...more }, usage };
}
