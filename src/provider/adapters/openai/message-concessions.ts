import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';
import { NINE_CHARACTER_IDS, PLAIN_IDS, withCallIds, type IdForm } from '../history/call-ids.js';
import { callsOf } from '../history/calls.js';
import { signatureOf, signedRecords, withoutSignatures } from '../history/thought-signatures.js';
import type { Concession, Rule } from './concession-rule.js';

/** Fields that one vendor's answers put into messages, calls and parts, and another's requests do not have. */
const EXTRA_FIELDS = [
  'extra_content',
  'thought_signature',
  'thinking_blocks',
  'reasoning_details',
  'provider_specific_fields',
  'annotations',
  'refusal',
  'audio',
  'images',
  'cache_control',
] as const;

export type ExtraField = (typeof EXTRA_FIELDS)[number];

/** What stands for thoughts where a model must have had some and the history has none: an empty text counts as none. */
const NO_THOUGHTS = ' ';

/** What was conceded to one history, not to an upstream: another talk may have been made there. */
export const OF_ONE_HISTORY: ReadonlySet<Concession> = new Set<Concession>(['skip_signatures']);

/** What may have to change in a history that was made elsewhere. */
export const MESSAGE_RULES: readonly Rule[] = [
  {
    concession: 'no_thoughts',
    names: /\breasoning(?:_content)?\b/,
    applies: (body) => messagesOf(body).some((one) => 'reasoning_content' in one || 'reasoning' in one),
    change: changing(({ reasoning_content: _content, reasoning: _reasoning, ...one }) => one),
  },
  {
    // DeepSeek and Moonshot want the thoughts of a tool turn back; those of another vendor may not have come with it.
    concession: 'some_thoughts',
    names: /\breasoning_content\b/,
    refuses: /missing|required|must be (?:passed|provided|included|set)/i,
    applies: (body) => messagesOf(body).some(lacksThoughts),
    change: changing((one) =>
      lacksThoughts(one) ? { ...one, reasoning_content: textOf(one['reasoning']) || NO_THOUGHTS } : one,
    ),
  },
  {
    // Gemini's compatible door.
    concession: 'fill_signatures',
    names: /thought.?signature/i,
    refuses: /missing|required/i,
    applies: (body) => messagesOf(body).some((one) => isUnsigned(one) && withoutSignatures(one) !== one),
    change: changing((one) => (isUnsigned(one) ? withoutSignatures(one) : one)),
  },
  {
    concession: 'skip_signatures',
    names: /thought.?signature/i,
    refuses: /invalid|not valid|corrupt/i,
    applies: (body) => messagesOf(body).some((one) => withoutSignatures(one) !== one),
    change: changing(withoutSignatures),
  },
  idRule('nine_character_call_ids', /tool.?call.?id.*length of 9\b/i, NINE_CHARACTER_IDS),
  idRule('plain_call_ids', /tool.?(?:call|use)s?\b.*\bid\b|tool_?(?:call|use)_?ids?\b/i, PLAIN_IDS),
  ...EXTRA_FIELDS.map(extraRule),
];

/** The messages of a body. */
export function messagesOf(body: Readonly<JsonRecord>): JsonRecord[] {
  const { messages } = body;
  return Array.isArray(messages) ? messages.filter(isRecord) : [];
}

function changing(change: (message: JsonRecord) => JsonRecord): Rule['change'] {
  return (body) => {
    body['messages'] = messagesOf(body).map(change);
  };
}

function idRule(concession: Concession, names: RegExp, form: IdForm): Rule {
  return {
    concession,
    names,
    refuses: /too long|maximum length|length of|pattern|alphanumeric|characters/i,
    applies: (body) =>
      messagesOf(body)
        .flatMap(callsOf)
        .some(({ id }) => !form.accepts.test(textOf(id))),
    change: (body) => {
      body['messages'] = withCallIds(messagesOf(body), form);
    },
  };
}

function extraRule(field: ExtraField): Rule {
  return {
    concession: `no_${field}`,
    names: new RegExp(`\\b${field}\\b`),
    applies: (body) =>
      [...messagesOf(body), ...toolsOf(body)].some((one) => recordsOf(one).some((part) => field in part)),
    change: (body) => {
      changing((one) => without(one, field))(body);
      if (Array.isArray(body['tools'])) body['tools'] = toolsOf(body).map((tool) => without(tool, field));
    },
  };
}

function toolsOf({ tools }: Readonly<JsonRecord>): JsonRecord[] {
  return Array.isArray(tools) ? tools.filter(isRecord) : [];
}

/** A message or tool, and what it is made of. */
function recordsOf(one: JsonRecord): JsonRecord[] {
  const parts = Array.isArray(one['content']) ? one['content'].filter(isRecord) : [];
  const calls = callsOf(one);
  return [one, ...parts, ...calls, ...[one, ...calls].map((call) => call['function']).filter(isRecord)];
}

function without(one: JsonRecord, field: ExtraField): JsonRecord {
  const { [field]: _left, ...rest } = one;
  const { content, tool_calls: calls, function: called } = rest;
  const bare = (item: unknown): unknown => (isRecord(item) ? without(item, field) : item);
  return {
    ...rest,
    ...(Array.isArray(content) ? { content: content.map(bare) } : {}),
    ...(Array.isArray(calls) ? { tool_calls: calls.map(bare) } : {}),
    ...(isRecord(called) ? { function: bare(called) } : {}),
  };
}

function lacksThoughts(message: JsonRecord): boolean {
  return message['role'] === 'assistant' && textOf(message['reasoning_content']) === '';
}

function isUnsigned(message: JsonRecord): boolean {
  const [first] = callsOf(message);
  return first !== undefined && signatureOf(first) === '' && signedRecords(message).length === 0;
}
