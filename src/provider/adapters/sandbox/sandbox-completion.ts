import { createHash } from 'node:crypto';
import type { JsonRecord } from '../../domain/json.js';
import type { SandboxAnswer } from './sandbox-answer.js';
import type { SandboxToolCall } from './sandbox-tools.js';

/** A word with the space before it; a long word in several. */
const PIECE = /\s*\S{1,12}|\s+/gu;

const ARGUMENT_CHARS = 12;

/** What all parts of one answer have in common. */
export interface AnswerHead {
  id: string;
  created: number;
  model: string;
}

/** The id is a digest of the request: the same request, the same id. */
export function headOf(body: Readonly<JsonRecord>, model: string, nowMs: number): AnswerHead {
  const digest = createHash('sha256').update(JSON.stringify(body)).digest('hex');
  return { id: `chatcmpl-${digest.slice(0, 29)}`, created: Math.floor(nowMs / 1000), model };
}

/** An answer in the shape of OpenAI's `chat.completion`. */
export function completionOf(head: AnswerHead, answers: readonly SandboxAnswer[], promptTokens: number): JsonRecord {
  return {
    id: head.id,
    object: 'chat.completion',
    created: head.created,
    model: head.model,
    choices: answers.map((answer, index) => ({
      index,
      message: messageOf(answer, callId(head, index)),
      logprobs: null,
      finish_reason: answer.finishReason,
    })),
    usage: usageOf(answers, promptTokens),
    system_fingerprint: 'fp_sandbox',
  };
}

/** The same answer as chunks in JSON text, one piece each, the last one with the usage. */
export function* chunksOf(
  head: AnswerHead,
  answers: readonly SandboxAnswer[],
  promptTokens: number,
): Generator<string, void, undefined> {
  const chunk = (choices: readonly JsonRecord[], usage: JsonRecord | null): string =>
    JSON.stringify({
      id: head.id,
      object: 'chat.completion.chunk',
      created: head.created,
      model: head.model,
      system_fingerprint: 'fp_sandbox',
      choices,
      usage,
    });
  for (const [index, answer] of answers.entries()) {
    for (const delta of deltasOf(answer, callId(head, index))) {
      yield chunk([{ index, delta, logprobs: null, finish_reason: null }], null);
    }
    yield chunk([{ index, delta: {}, logprobs: null, finish_reason: answer.finishReason }], null);
  }
  yield chunk([], usageOf(answers, promptTokens));
}

/** Of a choice's call: another one in each turn of a talk. */
function callId({ id }: AnswerHead, choice: number): string {
  return `call_${id.slice(-20)}${choice === 0 ? '' : `_${choice + 1}`}`;
}

function* deltasOf({ text, toolCall }: SandboxAnswer, id: string): Generator<JsonRecord, void, undefined> {
  if (toolCall === null) {
    yield { role: 'assistant', content: '', refusal: null };
    for (const [piece] of text.matchAll(PIECE)) yield { content: piece };
    return;
  }
  const { input } = toolCall;
  yield { role: 'assistant', content: null, ...callFields(toolCall, id, 0) };
  for (let at = 0; at < input.length; at += ARGUMENT_CHARS) {
    const piece = input.slice(at, at + ARGUMENT_CHARS);
    if (toolCall.kind === 'legacy') yield { function_call: { arguments: piece } };
    else if (toolCall.kind === 'custom') yield { tool_calls: [{ index: 0, custom: { input: piece } }] };
    else yield { tool_calls: [{ index: 0, function: { arguments: piece } }] };
  }
}

function messageOf({ text, toolCall }: SandboxAnswer, id: string): JsonRecord {
  const base = { role: 'assistant', content: toolCall === null ? text : null, refusal: null };
  return toolCall === null ? base : { ...base, ...callFields(toolCall, id, null) };
}

/** A call in OpenAI's fields; as a stream begins it when it has an index: without its input. */
function callFields({ kind, name, input: whole }: SandboxToolCall, id: string, index: number | null): JsonRecord {
  const input = index === null ? whole : '';
  if (kind === 'legacy') return { function_call: { name, arguments: input } };
  const called = kind === 'custom' ? { custom: { name, input } } : { function: { name, arguments: input } };
  const call = { id, type: kind, ...called };
  return { tool_calls: [index === null ? call : { index, ...call }] };
}

function usageOf(answers: readonly SandboxAnswer[], promptTokens: number): JsonRecord {
  const completionTokens = answers.reduce((sum, { tokens }) => sum + tokens, 0);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  };
}
