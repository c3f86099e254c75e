import { readJson, recordsOf, SIGNATURE, type ChatBody, type JsonRecord } from '../answer.js';
import type { Behaviour } from '../behaviour.js';
import type { CallFacts, Refusal } from '../dialect.js';

const DEPLOYMENT = /\/openai\/deployments\/([^/]+)\//;

/** Azure names the model in the path, whatever the body says. */
export function deploymentOf(path: string): string | null {
  const [, name] = DEPLOYMENT.exec(path) ?? [];
  return name === undefined ? null : decodeURIComponent(name);
}

/** Azure takes its key in a header of its own and wants to know which version of its API is meant. */
export function checkAzure({ path, query, headers }: CallFacts): Refusal | null {
  if (!path.includes('/openai/')) return null;
  if (headers['api-key'] === undefined || headers['authorization'] !== undefined) {
    const message = 'Access denied due to invalid subscription key or wrong API endpoint.';
    return { status: 401, body: JSON.stringify({ error: { code: '401', message } }) };
  }
  if (query.has('api-version') || path.includes('/openai/v1/')) return null;
  return { status: 404, body: JSON.stringify({ error: { code: '404', message: 'Resource not found' } }) };
}

/** What OpenAI and compatible vendors refuse, each in its own words. `null` when the request is fine. */
export function refuseOpenAi(behaviour: Behaviour, body: ChatBody): Refusal | null {
  return refuseHistory(behaviour, body) ?? refuseRequest(behaviour, body);
}

/** What they refuse of a history that was made elsewhere. */
function refuseHistory(behaviour: Behaviour, { json }: ChatBody): Refusal | null {
  switch (behaviour.name) {
    case 'strict-messages':
      return refuseExtraMessageFields(recordsOf(json['messages']));
    case 'nine-character-ids': {
      const odd = callIdsOf(json).find((id) => !/^[a-zA-Z0-9]{9}$/.test(id));
      if (odd === undefined) return null;
      return refusal(400, `Tool call id was ${odd} but must be a-z, A-Z, 0-9, with a length of 9.`, '3280');
    }
    case 'short-ids':
      if (callIdsOf(json).every((id) => id.length <= 40)) return null;
      return refusal(
        400,
        "Invalid 'messages[1].tool_calls[0].id': string too long. Expected a string with maximum length 40.",
        'string_above_max_length',
        'messages[1].tool_calls[0].id',
      );
    case 'wants-thoughts':
      if (recordsOf(json['messages']).every((one) => !('tool_calls' in one) || one['reasoning_content'] !== undefined))
        return null;
      return refusal(400, 'Missing `reasoning_content` field in the assistant message at message index 1.', null);
    default:
      return null;
  }
}

function refuseRequest(behaviour: Behaviour, body: ChatBody): Refusal | null {
  const { json } = body;
  switch (behaviour.name) {
    case 'strict-options':
      return 'stream_options' in json ? refusal(400, 'Unrecognized request argument: stream_options', null) : null;
    case 'mistral':
      return refuseExtra(json, ['stream_options', 'max_completion_tokens', 'seed', 'user', 'logprobs'], true);
    case 'only-max-tokens':
      return refuseExtra(json, ['max_completion_tokens']);
    case 'only-max-completion-tokens':
      if (!('max_tokens' in json)) return null;
      return refusal(
        400,
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        'unsupported_parameter',
        'max_tokens',
      );
    case 'only-system-role':
      if (!recordsOf(json['messages']).some(({ role }) => role === 'developer')) return null;
      return refusal(400, 'Unexpected role developer: must be one of system, user, assistant, tool', null);
    case 'bad-key':
      return refusal(401, 'Incorrect API key provided: sk-can****. You can find it elsewhere.', 'invalid_api_key');
    case 'no-credit':
      return refusal(429, 'You exceeded your current quota, please check your plan.', 'insufficient_quota');
    case 'spent-limit':
      return refusal(400, 'Billing hard limit has been reached', 'billing_hard_limit_reached');
    case 'wrong-model':
      return refusal(400, 'The model `m` has been decommissioned and is no longer supported.', 'model_decommissioned');
    case 'context-length': {
      const message = "This model's maximum context length is 128000 tokens, but the messages have 130000 tokens.";
      return refusal(400, message, 'context_length_exceeded', 'messages');
    }
    case 'content-policy':
      return refusal(400, 'Your request was rejected by our safety system.', 'content_policy_violation');
    case 'no-prefill':
      if (body.prefill === '') return null;
      return refusal(400, 'This model does not support assistant message prefill.', 'invalid_prefill', 'messages');
    case 'signed':
      if (!body.hasToolResult || comesBack(body)) return null;
      return refusal(400, 'Function call is missing a thought_signature', null);
    default:
      return null;
  }
}

/** The signature has come back at the call that it belongs to. */
function comesBack({ raw }: ChatBody): boolean {
  const messages = recordsOf(readJson(raw)?.['messages']);
  const calls = messages.flatMap((message) => recordsOf(message['tool_calls']));
  return calls.every((call) => JSON.stringify(call['extra_content'] ?? '').includes(SIGNATURE));
}

/** The ids of calls, and of the results that name them. */
function callIdsOf({ messages }: { messages?: unknown }): string[] {
  return recordsOf(messages).flatMap((message) => [
    ...recordsOf(message['tool_calls']).map(({ id }) => String(id)),
    ...('tool_call_id' in message ? [String(message['tool_call_id'])] : []),
  ]);
}

const MESSAGE_FIELDS: ReadonlySet<string> = new Set(['role', 'content', 'name', 'tool_calls', 'tool_call_id']);
const CALL_FIELDS: ReadonlySet<string> = new Set(['id', 'type', 'function', 'index']);

/** Servers that check messages against their own list refuse what other vendors put there. */
function refuseExtraMessageFields(messages: readonly JsonRecord[]): Refusal | null {
  const detail = messages.flatMap((message, at) => {
    const extra = Object.keys(message).filter((field) => !MESSAGE_FIELDS.has(field));
    const inCalls = recordsOf(message['tool_calls'])
      .flatMap(Object.keys)
      .filter((field) => !CALL_FIELDS.has(field));
    return [...extra, ...inCalls].map((field) => ({
      type: 'extra_forbidden',
      loc: ['body', 'messages', at, String(message['role']), field],
      msg: 'Extra inputs are not permitted',
    }));
  });
  return detail.length === 0 ? null : { status: 422, body: JSON.stringify({ detail }) };
}

/** FastAPI servers list what is too much. */
function refuseExtra(json: object, fields: readonly string[], isNested = false): Refusal | null {
  const extra = fields.filter((field) => field in json);
  if (extra.length === 0) return null;
  const detail = extra.map((field) => ({
    type: 'extra_forbidden',
    loc: ['body', field],
    msg: 'Extra inputs are not permitted',
    input: null,
  }));
  const error = { object: 'error', message: { detail }, type: 'invalid_request_error', param: null, code: null };
  return { status: 422, body: JSON.stringify(isNested ? error : { detail }) };
}

function refusal(status: number, message: string, code: string | null, param: string | null = null): Refusal {
  const type = code === 'insufficient_quota' ? code : 'invalid_request_error';
  return { status, body: JSON.stringify({ error: { message, type, param, code } }) };
}
