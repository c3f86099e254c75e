import {
  callsOf,
  isRecord,
  piecesOf,
  readJson,
  recordsOf,
  SIGNATURE,
  THOUGHTS,
  type ChatBody,
  type JsonRecord,
  type ToolCall,
} from '../answer.js';
import type { Behaviour } from '../behaviour.js';
import type { CallFacts, Dialect, Refusal, Script } from '../dialect.js';
import { anthropicError, checkAnthropic, refuseAnthropic } from './anthropic-refusals.js';
import { anthropicUsage, stopOf } from './anthropic-message.js';
import { AnthropicScript } from './anthropic-script.js';

/** Anthropic's Messages API. */
export const anthropicDialect: Dialect = {
  lineEnd: '\n',

  route(method: string, { path, headers }: CallFacts) {
    if (method === 'POST' && path.endsWith('/messages')) return 'chat';
    const isList = method === 'GET' && path.endsWith('/models');
    return isList && headers['anthropic-version'] !== undefined ? 'models' : null;
  },

  read(raw: string): ChatBody | null {
    const json = readJson(raw);
    if (json === null) return null;
    const messages = recordsOf(json['messages']);
    const blocks = messages.flatMap(({ content }) => recordsOf(content));
    const choice = json['tool_choice'];
    return {
      model: String(json['model']),
      stream: json['stream'] === true,
      includeUsage: true,
      outputMax: typeof json['max_tokens'] === 'number' ? json['max_tokens'] : null,
      promptChars: JSON.stringify([json['system'], messages]).length,
      prefill: prefillOf(messages.at(-1)),
      images: imagesOf([...blocks, ...blocks.flatMap(({ content }) => recordsOf(content))]),
      hasTools: recordsOf(json['tools']).length > 0,
      hasToolResult: blocks.some(({ type }) => type === 'tool_result'),
      forcedTool: isRecord(choice) && choice['type'] === 'tool' ? String(choice['name']) : forcedByAny(json),
      json,
      raw,
    };
  },

  check: checkAnthropic,

  refuse: refuseAnthropic,

  error(status: number, message: string, retryAfterS: number | null): Refusal {
    return anthropicError(status, message, retryAfterS);
  },

  whole(behaviour: Behaviour, body: ChatBody): string {
    const calls = callsOf(behaviour, body, false);
    const usage = anthropicUsage(behaviour, body);
    return JSON.stringify({
      id: 'msg_upstream',
      type: 'message',
      role: 'assistant',
      model: body.model,
      content: [...thoughtBlocks(behaviour), ...textBlocks(behaviour, body, calls), ...calls.map(toolUse)],
      ...stopOf(behaviour, body, calls),
      ...(behaviour.name === 'usage-absent' ? {} : { usage }),
    });
  },

  script(behaviour: Behaviour, body: ChatBody): Script {
    return new AnthropicScript(behaviour, body).write();
  },

  models: () => JSON.stringify({ data: [{ type: 'model', id: 'ok', display_name: 'ok' }], has_more: false }),
};

function thoughtBlocks({ name }: Behaviour): JsonRecord[] {
  if (name === 'redacted') return [{ type: 'redacted_thinking', data: SIGNATURE }];
  if (name !== 'reasoning' && name !== 'signed') return [];
  return [{ type: 'thinking', thinking: THOUGHTS.join(''), signature: SIGNATURE }];
}

function textBlocks(behaviour: Behaviour, body: ChatBody, calls: readonly ToolCall[]): JsonRecord[] {
  const text = calls.length > 0 ? '' : piecesOf(behaviour, body).join('');
  return text === '' ? [] : [{ type: 'text', text }];
}

function toolUse({ id, name, arguments: text }: ToolCall): JsonRecord {
  return { type: 'tool_use', id, name, input: JSON.parse(text) as unknown };
}

function prefillOf(last: JsonRecord | undefined): string {
  if (last?.['role'] !== 'assistant') return '';
  const { content } = last;
  if (typeof content === 'string') return content;
  return recordsOf(content)
    .map(({ text }) => (typeof text === 'string' ? text : ''))
    .join('');
}

function imagesOf(blocks: readonly JsonRecord[]): string[] {
  return blocks.flatMap(({ type, source }) => {
    if (type !== 'image' || !isRecord(source)) return [];
    if (source['type'] === 'url') return [String(source['url'])];
    return [`data:${String(source['media_type'])};base64,${String(source['data'])}`];
  });
}

/** With one tool and `any`, that one. */
function forcedByAny(json: JsonRecord): string | null {
  const [tool, ...others] = recordsOf(json['tools']);
  const choice = json['tool_choice'];
  const isAny = isRecord(choice) && choice['type'] === 'any';
  return isAny && tool !== undefined && others.length === 0 ? String(tool['name']) : null;
}
