import { isRecord, textOf, type JsonRecord } from '../domain/json.js';
import { functionSignatures } from './function-signatures.js';

/** How many tokens a text is. */
export type CountText = (text: string) => number;

/** Marks around each message; the role counts as text. */
const TOKENS_PER_MESSAGE = 3;
const TOKENS_PER_NAME = 1;
/** The opening of the answer. */
const TOKENS_PER_ANSWER = 3;
/** Marks around the function signatures, which share a system message where there is one. */
const TOKENS_PER_SIGNATURES = 9;
const TOKENS_SHARED_WITH_SYSTEM = 4;
const TOKENS_PER_NO_TOOL = 1;
const TOKENS_PER_FORCED_TOOL = 7;
/** A picture of low detail, and one whose size is not known. */
const TOKENS_PER_SMALL_IMAGE = 85;
const TOKENS_PER_IMAGE = 1_000;
/** Base64 characters to a token, as the freeze weighs them. */
const AUDIO_CHARS_PER_TOKEN = 400;
const FILE_CHARS_PER_TOKEN = 50;

/**
 * Prompt tokens of a chat request as OpenAI's models of the o200k generation count them, exactly for messages and closely for
 * tools: https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken.
 * @param count of the tokenizer.
 */
export function countPromptTokens(body: Readonly<JsonRecord>, count: CountText): number {
  const messages = Array.isArray(body['messages']) ? (body['messages'] as unknown[]).filter(isRecord) : [];
  let total = TOKENS_PER_ANSWER;
  for (const message of messages) total += messageTokens(message, count);
  total += toolTokens(body, messages.some(isSystem), count);
  const format = body['response_format'];
  if (isRecord(format) && isRecord(format['json_schema'])) total += count(JSON.stringify(format['json_schema']));
  return total;
}

function isSystem({ role }: JsonRecord): boolean {
  return role === 'system' || role === 'developer';
}

function messageTokens(message: JsonRecord, count: CountText): number {
  const { role, name, content, refusal, function_call: legacyCall, tool_calls: calls } = message;
  let total = TOKENS_PER_MESSAGE + count(textOf(role)) + count(textOf(refusal));
  if (typeof name === 'string' && name !== '') total += TOKENS_PER_NAME + count(name);
  if (!Array.isArray(content)) total += count(textOf(content));
  else for (const part of content as unknown[]) total += partTokens(part, count);
  const called = [
    legacyCall,
    ...(Array.isArray(calls) ? calls.map((call: unknown) => (isRecord(call) ? call['function'] : null)) : []),
  ];
  for (const call of called) if (isRecord(call)) total += callTokens(call, count);
  return total;
}

/** A call is a message to its function. */
function callTokens(call: JsonRecord, count: CountText): number {
  return TOKENS_PER_MESSAGE + count(textOf(call['name'])) + count(textOf(call['arguments']));
}

/** Data in base64 counts by its kind, never as text. */
function partTokens(part: unknown, count: CountText): number {
  if (!isRecord(part)) return 0;
  if (typeof part['text'] === 'string') return count(part['text']);
  const image = part['image_url'];
  if (image !== undefined)
    return isRecord(image) && image['detail'] === 'low' ? TOKENS_PER_SMALL_IMAGE : TOKENS_PER_IMAGE;
  if (part['input_audio'] !== undefined) return Math.ceil(longestText(part['input_audio']) / AUDIO_CHARS_PER_TOKEN);
  if (part['file'] !== undefined) return Math.ceil(longestText(part['file']) / FILE_CHARS_PER_TOKEN);
  return part['type'] === 'refusal' ? count(textOf(part['refusal'])) : TOKENS_PER_IMAGE;
}

/** Characters of the data among its labels. */
function longestText(value: unknown): number {
  return isRecord(value) ? Math.max(0, ...Object.values(value).map((field) => textOf(field).length)) : 0;
}

function toolTokens(body: Readonly<JsonRecord>, hasSystem: boolean, count: CountText): number {
  const tools = Array.isArray(body['tools']) ? (body['tools'] as unknown[]).filter(isRecord) : [];
  const legacy = Array.isArray(body['functions']) ? (body['functions'] as unknown[]).filter(isRecord) : [];
  const functions = [...tools.map((tool) => tool['function']).filter(isRecord), ...legacy];
  let total = 0;
  for (const tool of tools) if (!isRecord(tool['function'])) total += count(JSON.stringify(tool));
  if (functions.length > 0) {
    total += TOKENS_PER_SIGNATURES + count(functionSignatures(functions));
    if (hasSystem) total -= TOKENS_SHARED_WITH_SYSTEM;
  }
  return total + choiceTokens(body['tool_choice'] ?? body['function_call'], count);
}

function choiceTokens(choice: unknown, count: CountText): number {
  if (choice === 'none') return TOKENS_PER_NO_TOOL;
  if (!isRecord(choice)) return 0;
  const called = isRecord(choice['function']) ? choice['function'] : choice;
  return TOKENS_PER_FORCED_TOOL + count(textOf(called['name']));
}
