import { isRecord, recordsOf, SIGNATURE, THOUGHTS, type ChatBody, type JsonRecord } from '../answer.js';
import type { Behaviour } from '../behaviour.js';
import type { CallFacts, Refusal } from '../dialect.js';

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/** Top-level fields of a request; any other is refused. */
const FIELDS: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'system',
  'max_tokens',
  'metadata',
  'stop_sequences',
  'stream',
  'temperature',
  'top_k',
  'top_p',
  'tools',
  'tool_choice',
  'thinking',
  'output_config',
  'service_tier',
  'container',
  'mcp_servers',
  'context_management',
  'cache_control',
  'inference_geo',
]);

const THINKING_FIELDS: ReadonlySet<string> = new Set(['type', 'thinking', 'signature']);
const TOOL_ID = /^[a-zA-Z0-9_-]+$/;
const TOOL_NAME = /^[a-zA-Z0-9_-]{1,128}$/;

/** An error as Anthropic words it. */
export function anthropicError(status: number, message: string, retryAfterS: number | null = null): Refusal {
  const type = ERROR_TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
  const body = JSON.stringify({ type: 'error', error: { type, message }, request_id: 'req_upstream' });
  const headers = {
    'request-id': 'req_upstream',
    ...(retryAfterS === null ? {} : { 'retry-after': String(retryAfterS) }),
  };
  return { status, body, headers };
}

/** What the Messages API refuses whatever the model. */
export function checkAnthropic(body: JsonRecord | null, { headers, path }: CallFacts): Refusal | null {
  if (headers['x-api-key'] === undefined) return anthropicError(401, 'x-api-key header is required');
  if (headers['authorization'] !== undefined) return anthropicError(401, 'only one credential may be sent');
  if (headers['anthropic-version'] !== '2023-06-01')
    return anthropicError(400, 'anthropic-version: header is required');
  if (path.endsWith('/models')) return null;
  if (body === null) return anthropicError(400, 'The request body is not valid JSON');
  const wrong = wrongField(body) ?? wrongTools(body) ?? wrongMessages(recordsOf(body['messages']));
  return wrong === null ? null : anthropicError(400, wrong);
}

/** What only some models refuse. */
export function refuseAnthropic(behaviour: Behaviour, body: ChatBody): Refusal | null {
  switch (behaviour.name) {
    case 'bad-key':
      return anthropicError(401, 'invalid x-api-key');
    case 'no-credit':
      return anthropicError(
        400,
        'Your credit balance is too low to access the Anthropic API. Please purchase credits.',
      );
    case 'spent-limit':
      return anthropicError(400, 'You have reached your specified API usage limits. You will regain access later.');
    case 'wrong-model':
      return anthropicError(400, 'The provided model identifier is invalid.');
    case 'context-length':
      return anthropicError(400, 'prompt is too long: 210000 tokens > 200000 maximum');
    case 'signed':
      if (!body.hasToolResult || thoughtsComeBack(body)) return null;
      return anthropicError(400, 'messages.1.content.0.type: Expected `thinking`, but found `tool_use`');
    default:
      return null;
  }
}

function wrongField(body: JsonRecord): string | null {
  const unknown = Object.keys(body).find((field) => !FIELDS.has(field));
  if (unknown !== undefined) return `${unknown}: Extra inputs are not permitted`;
  if (!Number.isInteger(body['max_tokens'])) return 'max_tokens: Field required';
  const stops: unknown = body['stop_sequences'];
  if (Array.isArray(stops) && stops.some((stop) => String(stop).trim() === ''))
    return 'stop_sequences: each stop sequence must contain non-whitespace';
  const { temperature } = body;
  if (typeof temperature === 'number' && temperature > 1) return 'temperature: range: 0..1';
  const { thinking } = body;
  if (!isRecord(thinking) || typeof thinking['budget_tokens'] !== 'number') return null;
  if (thinking['budget_tokens'] < 1024)
    return 'thinking.enabled.budget_tokens: Input should be greater than or equal to 1024';
  return thinking['budget_tokens'] < Number(body['max_tokens'])
    ? null
    : '`max_tokens` must be greater than `thinking.budget_tokens`';
}

/** Keywords that a strict tool must not have anywhere. */
const BOUNDS = /"(?:minimum|maximum|minLength|maxLength|multipleOf|maxItems)":/;

function wrongTools(body: JsonRecord): string | null {
  const names = recordsOf(body['tools']).map(({ name }) => name);
  if (new Set(names).size < names.length) return 'tools: Tool names must be unique.';
  for (const [at, tool] of recordsOf(body['tools']).entries()) {
    if ('function' in tool) return `tools.${String(at)}.function: Extra inputs are not permitted`;
    if (!TOOL_NAME.test(String(tool['name']))) return `tools.${String(at)}.name: String should match pattern`;
    if (tool['type'] !== undefined && tool['type'] !== 'custom') continue;
    const schema = tool['input_schema'];
    if (!isRecord(schema) || schema['type'] !== 'object')
      return `tools.${String(at)}.input_schema.type: Field required`;
    if (['anyOf', 'oneOf', 'allOf'].some((union) => union in schema))
      return `tools.${String(at)}.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level`;
    if (tool['strict'] === true && BOUNDS.test(JSON.stringify(schema)))
      return `tools.${String(at)}.custom: For 'integer' type, property 'minimum' is not supported`;
  }
  return null;
}

/** Roles, empty texts, and tool results that answer exactly the calls of the message before them. */
function wrongMessages(messages: readonly JsonRecord[]): string | null {
  if (messages.length === 0) return 'messages: at least one message is required';
  if (messages[0]?.['role'] !== 'user') return 'messages: first message must use the "user" role';
  let asked: string[] = [];
  const known = new Set<string>();
  for (const [at, { role, content }] of messages.entries()) {
    const where = `messages.${String(at)}`;
    if (role !== 'user' && role !== 'assistant') return `${where}.role: unexpected role`;
    if (typeof content === 'string' && content.trim() === '') return `${where}: text content must be non-empty`;
    const blocks = recordsOf(content);
    const wrong = wrongBlocks(blocks);
    if (wrong !== null) return `${where}.${wrong}`;
    const answered = idsOf(blocks, 'tool_result', 'tool_use_id');
    if (asked.some((id) => !answered.includes(id)))
      return `${where}: \`tool_use\` ids were found without \`tool_result\` blocks`;
    if (answered.some((id) => !asked.includes(id)))
      return `${where}: unexpected \`tool_use_id\` found in \`tool_result\` blocks`;
    if (new Set(answered).size < answered.length)
      return `${where}: each tool_use must have a single result. Found multiple \`tool_result\` blocks`;
    asked = idsOf(blocks, 'tool_use', 'id');
    if (asked.some((id) => known.has(id)) || new Set(asked).size < asked.length)
      return `${where}: \`tool_use\` ids must be unique`;
    for (const id of asked) known.add(id);
    if (asked.some((id) => !TOOL_ID.test(id))) return `${where}: tool_use.id: String should match pattern`;
  }
  return asked.length > 0 ? '`tool_use` ids were found without `tool_result` blocks' : wrongEnd(messages.at(-1));
}

/** Texts that say nothing, results that do not come first, inputs that are no object, thoughts that another model signed. */
function wrongBlocks(blocks: readonly JsonRecord[]): string | null {
  for (const [at, block] of blocks.entries()) {
    const { type, text, input, signature, data } = block;
    if (type === 'text' && String(text).trim() === '')
      return 'content: text content blocks must contain non-whitespace text';
    if (type === 'tool_result' && at > 0 && blocks[at - 1]?.['type'] !== 'tool_result')
      return `content.${String(at)}: \`tool_result\` blocks must come first`;
    if (type === 'tool_use' && !isRecord(input))
      return `content.${String(at)}.tool_use.input: Input should be an object`;
    if (type === 'thinking' && signature !== SIGNATURE)
      return `content.${String(at)}: Invalid \`signature\` in \`thinking\` block`;
    if (type === 'redacted_thinking' && data !== SIGNATURE)
      return `content.${String(at)}: Invalid \`data\` in \`redacted_thinking\` block`;
    const extra = Object.keys(block).find((field) => type === 'thinking' && !THINKING_FIELDS.has(field));
    if (extra !== undefined) return `content.${String(at)}.thinking.${extra}: Extra inputs are not permitted`;
  }
  return null;
}

function wrongEnd(last: JsonRecord | undefined): string | null {
  if (last?.['role'] !== 'assistant') return null;
  const { content } = last;
  const text = typeof content === 'string' ? content : recordsOf(content).at(-1)?.['text'];
  if (typeof text !== 'string' || text === text.trimEnd()) return null;
  return 'messages: final assistant content cannot end with trailing whitespace';
}

function idsOf(blocks: readonly JsonRecord[], type: string, field: string): string[] {
  return blocks.filter((block) => block['type'] === type).map((block) => String(block[field]));
}

/** The thinking block stands unchanged before the calls that it led to. */
function thoughtsComeBack({ json }: ChatBody): boolean {
  const called = recordsOf(json['messages'])
    .filter(({ role }) => role === 'assistant')
    .map(({ content }) => recordsOf(content))
    .filter((blocks) => blocks.some(({ type }) => type === 'tool_use'));
  return called.every(([first]) => first?.['thinking'] === THOUGHTS.join('') && first['signature'] === SIGNATURE);
}
