import type { JsonRecord } from '../../domain/json.js';
import type { TokenCounter } from '../../tokens/token-counter.js';
import { refuse } from '../translated/refuse.js';
import { jsonAnswer } from './sandbox-format.js';
import { textsOf, type SandboxPrompt } from './sandbox-prompt.js';
import { toolCallOf, type SandboxToolCall } from './sandbox-tools.js';

const ECHO_CHARS_MAX = 400;
const INTRODUCTION = 'This is the JoyToken sandbox: no model was called.';
const FILLER = ['The', 'sandbox', 'writes', 'on', 'and', 'on,', 'word', 'after', 'word,', 'until', 'it', 'is', 'done.'];

/** What one choice of the sandbox's answer consists of. */
export interface SandboxAnswer {
  text: string;
  toolCall: SandboxToolCall | null;
  finishReason: 'stop' | 'length' | 'tool_calls' | 'function_call';
  tokens: number;
}

/**
 * The answers of all choices: by rule, the same for the same request.
 * @throws UpstreamFailure `caller_fault` naming what the sandbox cannot do.
 */
export function answersOf(
  body: Readonly<JsonRecord>,
  prompt: SandboxPrompt,
  choices: number,
  counter: TokenCounter,
): SandboxAnswer[] {
  refuseUnanswerable(body);
  const limit = outputLimit(body);
  const toolCall = toolCallOf(body, prompt.toolResult !== null);
  if (toolCall !== null) {
    const answer = toolAnswer(toolCall, limit, counter);
    return Array.from({ length: choices }, () => answer);
  }
  const json = jsonAnswer(body, textsOf(body), INTRODUCTION);
  return Array.from({ length: choices }, (_, choice) => {
    const whole = json ?? plainText(prompt, choice);
    const rest = prompt.prefill !== '' && whole.startsWith(prompt.prefill) ? whole.slice(prompt.prefill.length) : whole;
    const stopped = cutAtStop(rest, body['stop']);
    const text = cutAtTokens(stopped, limit, counter);
    return { text, toolCall: null, finishReason: text === stopped ? 'stop' : 'length', tokens: counter.count(text) };
  });
}

function refuseUnanswerable(body: Readonly<JsonRecord>): void {
  for (const field of ['logprobs', 'top_logprobs']) {
    const value = body[field] ?? null;
    if (value !== null && value !== false && value !== 0) throw refuse(field, 'the sandbox gives no log probabilities');
  }
}

function toolAnswer(whole: SandboxToolCall, limit: number, counter: TokenCounter): SandboxAnswer {
  const input = cutAtTokens(whole.input, Math.max(0, limit - counter.count(whole.name)), counter);
  const toolCall = { ...whole, input };
  const ended = whole.kind === 'legacy' ? 'function_call' : 'tool_calls';
  const finishReason = input === whole.input ? ended : 'length';
  return { text: '', toolCall, finishReason, tokens: counter.count(whole.name) + counter.count(input) };
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
