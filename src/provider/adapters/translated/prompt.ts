import type {
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4ToolCallPart,
  LanguageModelV4ToolResultOutput,
} from '@ai-sdk/provider';
import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';
import { contentPartsOf, providerOptions } from './content-parts.js';
import { refuse } from './refuse.js';
import type { AssistantPart, Vendor } from './vendor.js';

type Assistant = Extract<LanguageModelV4Message, { role: 'assistant' }>;
type Tool = Extract<LanguageModelV4Message, { role: 'tool' }>;

/**
 * The messages of a request as the AI SDK writes them. What `system` and `developer` say goes to the beginning, in its order, for
 * these vendors know one place for it.
 * @throws UpstreamFailure `caller_fault` naming the message or part that the vendor cannot take.
 */
export function promptOf(messages: unknown, vendor: Vendor): LanguageModelV4Prompt {
  const system: LanguageModelV4Message[] = [];
  const talk: LanguageModelV4Message[] = [];
  const toolNames = new Map<string, string>();
  for (const [index, message] of (Array.isArray(messages) ? (messages as unknown[]) : []).entries()) {
    const at = `messages[${String(index)}]`;
    if (!isRecord(message)) throw refuse(at, 'must be an object');
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
        add(talk, assistantMessage(message, at, vendor, toolNames), message, vendor);
        break;
      case 'tool':
        addToolResult(talk, toolMessage(message, at, vendor, toolNames));
        break;
      default:
        throw refuse(`${at}.role`, `the role ${JSON.stringify(message['role'] ?? null)} is not supported`);
    }
  }
  if (talk.length === 0) throw refuse('messages', 'must contain a message that is not a system message');
  return [...system, ...talk];
}

/** Vendors refuse a message without content. */
function add(
  talk: LanguageModelV4Message[],
  message: LanguageModelV4Message,
  record: JsonRecord,
  vendor: Vendor,
): void {
  if (message.content.length > 0) talk.push({ ...message, ...providerOptions(record, vendor) });
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

function assistantMessage(message: JsonRecord, at: string, vendor: Vendor, toolNames: Map<string, string>): Assistant {
  const content: AssistantPart[] = vendor.reasoningOf(message);
  content.push(...textParts(message, at, vendor));
  const calls = message['tool_calls'];
  for (const [index, call] of (Array.isArray(calls) ? (calls as unknown[]) : []).entries()) {
    const part = toolCallPart(call, `${at}.tool_calls[${String(index)}]`, vendor);
    toolNames.set(part.toolCallId, part.toolName);
    content.push(part);
  }
  if (isRecord(message['function_call'])) throw refuse(`${at}.function_call`, 'use tool_calls');
  return { role: 'assistant', content };
}

/** What the vendor wants back with the text of a message, and stands beside it, goes with its last part. */
function textParts(message: JsonRecord, at: string, vendor: Vendor): AssistantPart[] {
  const parts: AssistantPart[] = contentPartsOf(message['content'] ?? message['refusal'], `${at}.content`, vendor);
  const own = providerOptions(message, vendor);
  if (own.providerOptions === undefined) return parts;
  const last = parts.pop() ?? { type: 'text', text: '' };
  return [...parts, { ...own, ...last }];
}

function toolCallPart(call: unknown, at: string, vendor: Vendor): LanguageModelV4ToolCallPart {
  if (!isRecord(call)) throw refuse(at, 'must be an object');
  const called = call['function'];
  if (!isRecord(called)) throw refuse(`${at}.type`, 'only function calls are supported');
  const { name, arguments: input } = called;
  if (typeof name !== 'string' || name === '') throw refuse(`${at}.function.name`, 'must be a name');
  if (typeof call['id'] !== 'string' || call['id'] === '') throw refuse(`${at}.id`, 'must be a text');
  return {
    type: 'tool-call',
    toolCallId: call['id'],
    toolName: name,
    input: argumentsOf(input),
    ...providerOptions(call, vendor),
  };
}

/** The object that the arguments are; a text that is none goes on as it is, for the vendor's library to wrap. */
function argumentsOf(input: unknown): unknown {
  if (typeof input !== 'string') return input ?? {};
  if (input.trim() === '') return {};
  try {
    return JSON.parse(input);
  } catch {
    return input;
  }
}

function toolMessage(message: JsonRecord, at: string, vendor: Vendor, toolNames: ReadonlyMap<string, string>): Tool {
  const { tool_call_id: id, name } = message;
  if (typeof id !== 'string' || id === '') throw refuse(`${at}.tool_call_id`, 'must be a text');
  const toolName = toolNames.get(id) ?? textOf(name);
  if (toolName === '') throw refuse(`${at}.tool_call_id`, 'belongs to no tool call before it');
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
