import { isRecord, type JsonRecord } from '../../domain/json.js';

/** Fields that only have a meaning beside others. */
const NEED_TOOLS = ['tool_choice', 'parallel_tool_calls'];
const NEED_FUNCTIONS = ['function_call'];

/**
 * The caller's body as an upstream is to receive it: its own model name, and for streams always the usage chunk. Fields that
 * are `null` and empty lists of tools and calls are left out, because strict servers refuse them; every other field, known or not,
 * is left as it is. `stream_options` without `stream` is never sent: some upstreams answer 400 to it.
 */
export function upstreamBody(body: Readonly<JsonRecord>, upstreamModel: string, stream: boolean): JsonRecord {
  const written: JsonRecord = { ...body, model: upstreamModel };
  leaveOutEmpty(written);
  if (!stream) {
    delete written['stream_options'];
    if (written['stream'] === true) written['stream'] = false;
    return written;
  }
  written['stream'] = true;
  const options = isRecord(body['stream_options']) ? body['stream_options'] : {};
  written['stream_options'] = { ...options, include_usage: true };
  return written;
}

function leaveOutEmpty(body: JsonRecord): void {
  const { tools, functions, messages } = body;
  if (isEmpty(tools)) for (const field of ['tools', ...NEED_TOOLS]) Reflect.deleteProperty(body, field);
  if (isEmpty(functions)) for (const field of ['functions', ...NEED_FUNCTIONS]) Reflect.deleteProperty(body, field);
  for (const field in body) if (body[field] === null) Reflect.deleteProperty(body, field);
  if (Array.isArray(messages) && messages.some(hasEmptyCalls)) body['messages'] = messages.map(withoutEmptyCalls);
}

function hasEmptyCalls(message: unknown): boolean {
  return isRecord(message) && isEmpty(message['tool_calls']);
}

function withoutEmptyCalls(message: unknown): unknown {
  if (!isRecord(message) || !isEmpty(message['tool_calls'])) return message;
  const { tool_calls: _empty, ...rest } = message;
  return rest;
}

/** What says nothing where a list belongs: `null` or an empty list. */
function isEmpty(list: unknown): boolean {
  return list === null || (Array.isArray(list) && list.length === 0);
}
