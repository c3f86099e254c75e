import type {
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4ToolCallPart,
  LanguageModelV4ToolResultOutput,
} from '@ai-sdk/provider';
import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';
import { PLAIN_IDS, withCallIds } from '../history/call-ids.js';
import { withPairedResults } from '../history/turns.js';
import { contentPartsOf, providerOptions } from './content-parts.js';
import { refuse } from './refuse.js';
import type { ToolNames } from './tool-names.js';
import type { AssistantPart, Thought, Vendor } from './vendor.js';

type Assistant = Extract<LanguageModelV4Message, { role: 'assistant' }>;
type Tool = Extract<LanguageModelV4Message, { role: 'tool' }>;

/** Stands where a user has to say something and did not: vendors refuse the turn, and leaving it out would join its neighbours. */
const NO_TEXT = '(no text)';

/** The names of tools at the vendor: of all, and by the id of a call. */
interface Called {
  names: ToolNames;
  byId: Map<string, string>;
}

/**
 * The messages of a request as the AI SDK writes them. What `system` and `developer` say goes to the beginning, in its order, for
 * these vendors know one place for it.
 * @throws UpstreamFailure `caller_fault` naming the message or part that the vendor cannot take.
 */
export function promptOf(messages: unknown, vendor: Vendor, names: ToolNames): LanguageModelV4Prompt {
  const system: LanguageModelV4Message[] = [];
  const talk: LanguageModelV4Message[] = [];
  const called: Called = { names, byId: new Map() };
  for (const [at, message] of placed(messages)) {
    switch (message['role']) {
      case 'system':
      case 'developer':
        system.push(...systemMessages(message, at, vendor));
        break;
      case 'user':
        add(
          talk,
          { role: 'user', content: contentPartsOf(message['content'], `${at}.content`, vendor) },
          message,
          vendor,
        );
        break;
      case 'assistant':
        add(talk, assistantMessage(message, at, vendor, called), message, vendor);
        break;
      case 'tool':
        addToolResult(talk, toolMessage(message, at, vendor, called));
        break;
      default:
        throw refuse(`${at}.role`, `the role ${JSON.stringify(message['role'] ?? null)} is not supported`);
    }
  }
  if (talk.length === 0) throw refuse('messages', 'must contain a message that is not a system message');
  if (talk[0]?.role !== 'user') talk.unshift({ role: 'user', content: [{ type: 'text', text: NO_TEXT }] });
  return [...system, ...talk];
}

/** The messages with calls and results as vendors want them, each with the place that the caller gave it. */
function placed(messages: unknown): [at: string, message: JsonRecord][] {
  const given = (Array.isArray(messages) ? (messages as unknown[]) : []).map((message, index) => {
    if (!isRecord(message)) throw refuse(`messages[${String(index)}]`, 'must be an object');
    return message;
  });
  const renamed = withCallIds(given, PLAIN_IDS);
  const places = new Map(renamed.map((message, index) => [message, `messages[${String(index)}]`]));
  return withPairedResults(renamed).map((message) => [places.get(message) ?? 'messages', message]);
}

/** Vendors refuse a message without content. */
function add(
  talk: LanguageModelV4Message[],
  message: LanguageModelV4Message,
  record: JsonRecord,
  vendor: Vendor,
): void {
  if (message.content.length > 0) talk.push({ ...message, ...providerOptions(record, vendor) });
  else if (message.role === 'user') talk.push({ ...message, content: [{ type: 'text', text: NO_TEXT }] });
}

/** The results of one turn's calls are one message, as vendors count them. */
function addToolResult(talk: LanguageModelV4Message[], message: Tool): void {
  const last = talk.at(-1);
  if (last?.role === 'tool') last.content.push(...message.content);
  else talk.push(message);
}

/** One for each part: each may carry its own cache mark. */
function systemMessages(message: JsonRecord, at: string, vendor: Vendor): LanguageModelV4Message[] {
  const parts = contentPartsOf(message['content'], `${at}.content`, vendor);
  return parts.map((part, index) => {
    if (part.type !== 'text') throw refuse(`${at}.content[${String(index)}]`, 'must be text');
    const own = index === parts.length - 1 ? providerOptions(message, vendor) : {};
    return { role: 'system', content: part.text, ...own, ...providerOptionsOf(part) };
  });
}

function providerOptionsOf({ providerOptions: options }: Pick<LanguageModelV4Message, 'providerOptions'>): object {
  return options === undefined ? {} : { providerOptions: options };
}

function assistantMessage(message: JsonRecord, at: string, vendor: Vendor, { names, byId }: Called): Assistant {
  const { tool_calls: calls, function_call: legacyCall } = message;
  if (isRecord(legacyCall)) throw refuse(`${at}.function_call`, 'use tool_calls');
  const called = (Array.isArray(calls) ? (calls as unknown[]) : []).map((call, index) => {
    const part = toolCallPart(call, `${at}.tool_calls[${String(index)}]`, vendor, names);
    byId.set(part.toolCallId, part.toolName);
    return part;
  });
  return { role: 'assistant', content: inOrder(textParts(message, at, vendor), called, vendor.reasoningOf(message)) };
}

/** The parts of a message with each thought where the model had it. */
function inOrder(
  texts: AssistantPart[],
  calls: readonly AssistantPart[],
  thoughts: readonly Thought[],
): AssistantPart[] {
  const content: AssistantPart[] = [];
  let said = 0;
  let called = 0;
  for (const { part, before } of thoughts) {
    while (said < before.textChars || called < before.calls) {
      const next = texts.shift();
      if (next === undefined) break;
      const wanted = before.calls > called ? Number.POSITIVE_INFINITY : before.textChars - said;
      const [head, tail] = next.type === 'text' ? splitAt(next, wanted) : [next, null];
      content.push(head);
      if (head.type === 'text') said += head.text.length;
      if (tail !== null) texts.unshift(tail);
    }
    content.push(...calls.slice(called, before.calls), part);
    called = Math.max(called, before.calls);
  }
  return [...content, ...texts, ...calls.slice(called)];
}

type TextPart = Extract<AssistantPart, { type: 'text' }>;

/** What the vendor wants back with a text goes with its end. */
function splitAt({ text, providerOptions: options }: TextPart, chars: number): [TextPart, TextPart | null] {
  const own = options === undefined ? {} : { providerOptions: options };
  if (text.length <= chars) return [{ type: 'text', text, ...own }, null];
  return [
    { type: 'text', text: text.slice(0, chars) },
    { type: 'text', text: text.slice(chars), ...own },
  ];
}

/** What the vendor wants back with the text of a message, and stands beside it, goes with its last part. */
function textParts(message: JsonRecord, at: string, vendor: Vendor): AssistantPart[] {
  const parts: AssistantPart[] = contentPartsOf(message['content'] ?? message['refusal'], `${at}.content`, vendor);
  const own = providerOptions(message, vendor);
  if (own.providerOptions === undefined) return parts;
  const last = parts.pop() ?? { type: 'text', text: '' };
  return [...parts, { ...own, ...last }];
}

function toolCallPart(call: unknown, at: string, vendor: Vendor, names: ToolNames): LanguageModelV4ToolCallPart {
  if (!isRecord(call)) throw refuse(at, 'must be an object');
  const called = call['function'];
  if (!isRecord(called)) throw refuse(`${at}.type`, 'only function calls are supported');
  const { name, arguments: input } = called;
  if (typeof name !== 'string' || name === '') throw refuse(`${at}.function.name`, 'must be a name');
  if (typeof call['id'] !== 'string' || call['id'] === '') throw refuse(`${at}.id`, 'must be a text');
  return {
    type: 'tool-call',
    toolCallId: call['id'],
    toolName: names.of(name),
    input: argumentsOf(input),
    ...providerOptions(call, vendor),
  };
}

/** The object that the arguments are. Vendors refuse anything else: what is not one becomes the field `arguments` of one. */
function argumentsOf(input: unknown): JsonRecord {
  if (input === undefined || input === null) return {};
  if (typeof input !== 'string') return isRecord(input) ? input : { arguments: input };
  if (input.trim() === '') return {};
  try {
    const read: unknown = JSON.parse(input);
    return isRecord(read) ? read : read === null ? {} : { arguments: read };
  } catch {
    return { arguments: input };
  }
}

function toolMessage(message: JsonRecord, at: string, vendor: Vendor, { byId }: Called): Tool {
  const { tool_call_id: id } = message;
  if (typeof id !== 'string' || id === '') throw refuse(`${at}.tool_call_id`, 'must be a text');
  const toolName = byId.get(id);
  if (toolName === undefined) throw refuse(`${at}.tool_call_id`, 'belongs to no tool call before it');
  const output = outputOf(message, at, vendor);
  return {
    role: 'tool',
    content: [{ type: 'tool-result', toolCallId: id, toolName, output, ...providerOptions(message, vendor) }],
  };
}

function outputOf(message: JsonRecord, at: string, vendor: Vendor): LanguageModelV4ToolResultOutput {
  const { content } = message;
  if (!Array.isArray(content)) return { type: 'text', value: textOf(content) };
  const parts = contentPartsOf(content, `${at}.content`, vendor);
  if (parts.every((part) => part.type === 'text' && part.providerOptions === undefined)) {
    return { type: 'text', value: parts.map((part) => (part.type === 'text' ? part.text : '')).join('') };
  }
  for (const [index, part] of parts.entries()) {
    // Some of the vendors' libraries would fetch it from here: that must never happen for a caller's URL.
    if (part.type === 'file' && part.data.type === 'url') {
      throw refuse(`${at}.content[${String(index)}]`, 'a tool result must carry its images as data URLs');
    }
  }
  return { type: 'content', value: parts };
}
