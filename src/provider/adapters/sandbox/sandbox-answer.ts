import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';
import type { TokenCounter } from '../../tokens/token-counter.js';
import type { SandboxPrompt } from './sandbox-prompt.js';
import { sampleOf } from './schema-sample.js';

const ECHO_CHARS_MAX = 400;
const INTRODUCTION = 'This is the JoyToken sandbox: no model was called.';
const FILLER = ['The', 'sandbox', 'writes', 'on', 'and', 'on,', 'word', 'after', 'word,', 'until', 'it', 'is', 'done.'];

export interface SandboxToolCall {
  id: string;
  name: string;
  arguments: string;
}

/** What one choice of the sandbox's answer consists of. */
export interface SandboxAnswer {
  text: string;
  toolCall: SandboxToolCall | null;
  finishReason: 'stop' | 'length' | 'tool_calls';
  tokens: number;
}

/** The answer of one choice: by rule, the same for the same request. */
export function answerOf(
  body: Readonly<JsonRecord>,
  prompt: SandboxPrompt,
  choice: number,
  counter: TokenCounter,
): SandboxAnswer {
  const tool = prompt.toolResult === null ? chosenTool(body) : null;
  if (tool !== null) {
    const toolCall = callOf(tool, prompt, choice);
    return {
      text: '',
      toolCall,
      finishReason: 'tool_calls',
      tokens: counter.count(toolCall.name + toolCall.arguments),
    };
  }
  const whole = formattedText(body, prompt, choice);
  const rest = prompt.prefill !== '' && whole.startsWith(prompt.prefill) ? whole.slice(prompt.prefill.length) : whole;
  const stopped = cutAtStop(rest, body['stop']);
  const text = cutAtTokens(stopped, outputLimit(body), counter);
  return { text, toolCall: null, finishReason: text === stopped ? 'stop' : 'length', tokens: counter.count(text) };
}

function formattedText(body: Readonly<JsonRecord>, prompt: SandboxPrompt, choice: number): string {
  const format = isRecord(body['response_format']) ? body['response_format'] : {};
  if (format['type'] === 'json_object') {
    return JSON.stringify({ sandbox: true, message: INTRODUCTION, you_said: echoOf(prompt.userText) });
  }
  if (format['type'] === 'json_schema') {
    const schema = isRecord(format['json_schema']) ? format['json_schema']['schema'] : null;
    return JSON.stringify(sampleOf(schema, prompt.userText));
  }
  return plainText(prompt, choice);
}

function plainText({ userText, toolResult, images, words }: SandboxPrompt, choice: number): string {
  const parts = [INTRODUCTION];
  if (choice > 0) parts.push(`Choice ${String(choice + 1)}.`);
  if (images > 0) parts.push(`You sent ${String(images)} image${images === 1 ? '' : 's'}.`);
  if (toolResult !== null) parts.push(`The tool answered: ${echoOf(toolResult)}`);
  parts.push(`You said: ${echoOf(userText)}`);
  const text = parts.join(' ');
  const missing = words - text.split(' ').length;
  if (missing <= 0) return text;
  return `${text} ${Array.from({ length: missing }, (_, index) => FILLER[index % FILLER.length]).join(' ')}`;
}

function echoOf(text: string): string {
  return text.length <= ECHO_CHARS_MAX ? text : `${text.slice(0, ECHO_CHARS_MAX)}…`;
}

/** The function that `tool_choice` names, else the first one; none when tools are not wanted. */
function chosenTool(body: Readonly<JsonRecord>): JsonRecord | null {
  const tools = Array.isArray(body['tools']) ? (body['tools'] as unknown[]) : [];
  const functions = tools.map((tool) => (isRecord(tool) ? tool['function'] : null)).filter(isRecord);
  const wanted = body['tool_choice'];
  if (wanted === 'none') return null;
  const named = isRecord(wanted) && isRecord(wanted['function']) ? wanted['function']['name'] : undefined;
  return (named === undefined ? functions[0] : functions.find(({ name }) => name === named)) ?? null;
}

function callOf(tool: JsonRecord, { userText }: SandboxPrompt, choice: number): SandboxToolCall {
  const sampled = sampleOf(tool['parameters'] ?? {}, userText);
  return {
    id: `call_sandbox_${String(choice + 1)}`,
    name: textOf(tool['name']),
    arguments: JSON.stringify(isRecord(sampled) ? sampled : {}),
  };
}

function cutAtStop(text: string, stop: unknown): string {
  const stops = (Array.isArray(stop) ? stop : [stop]).filter((one) => typeof one === 'string' && one !== '');
  const ends = stops.map((one) => text.indexOf(one as string)).filter((at) => at !== -1);
  return text.slice(0, Math.min(text.length, ...ends));
}

function outputLimit(body: Readonly<JsonRecord>): number {
  const limits = [body['max_tokens'], body['max_completion_tokens']].filter((limit) => typeof limit === 'number');
  return limits.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...limits);
}

/** The longest beginning of a text that has at most so many tokens. */
function cutAtTokens(text: string, limit: number, counter: TokenCounter): string {
  if (counter.count(text) <= limit) return text;
  let fits = 0;
  let tooLong = text.length;
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1;
    if (counter.count(text.slice(0, middle)) <= limit) fits = middle;
    else tooLong = middle;
  }
  const endsInsidePair = /[\ud800-\udbff]/.test(text.charAt(fits - 1));
  return text.slice(0, endsInsidePair ? fits - 1 : fits);
}
