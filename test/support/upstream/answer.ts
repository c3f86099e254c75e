import { createHash } from 'node:crypto';
import type { Behaviour } from './behaviour.js';

export interface ChatBody {
  model: string;
  stream: boolean;
  includeUsage: boolean;
  /** The larger of the two maxima of the request; `null` when it has none. */
  outputMax: number | null;
  messages: readonly unknown[];
  raw: string;
}

export type Usage = Record<string, unknown>;

const CREATED_S = 1_764_000_000;
/** A token each for the tokenizer of OpenAI's current models, so that what is reported is what it would count. */
const WORDS = 'the quick brown fox jumps over a lazy dog while seven grey birds watch from old oak trees'.split(' ');
const OTHER_WORDS = 'nothing here is the same as before because another voice answers now'.split(' ');
/** Two, three and four bytes a character, so that every way of splitting occurs. */
const UTF8_PIECES = ['Grüße ', '你好，', '世界 ', '🦊🦉 ', 'naïve ', '日本語 ', 'ß ', '🏳️‍🌈 '];

/** Reads what the answer depends on; unknown fields stay in `raw`. */
export function readChatBody(raw: string): ChatBody | null {
  try {
    const body = JSON.parse(raw) as Record<string, unknown>;
    const options = body['stream_options'] as { include_usage?: boolean } | null | undefined;
    return {
      model: String(body['model']),
      stream: body['stream'] === true,
      includeUsage: options?.include_usage === true,
      outputMax: outputMaxOf(body),
      messages: Array.isArray(body['messages']) ? (body['messages'] as unknown[]) : [],
      raw,
    };
  } catch {
    return null;
  }
}

function outputMaxOf(body: Record<string, unknown>): number | null {
  const maxima = [body['max_tokens'], body['max_completion_tokens']].filter((value) => typeof value === 'number');
  return maxima.length === 0 ? null : Math.max(...maxima);
}

/** Whether the answer ends at the request's maximum; only `obedient` models care. */
export function isCut(behaviour: Behaviour, body: ChatBody): boolean {
  return behaviour.name === 'obedient' && body.outputMax !== null && body.outputMax < behaviour.pieces;
}

/** The answer in pieces of one token each. The same behaviour and body always give the same pieces. */
export function piecesOf(behaviour: Behaviour, body: ChatBody): string[] {
  switch (behaviour.name) {
    case 'echo':
      return chunked(body.raw, 64);
    case 'vision':
      return [visionReport(body)];
    case 'split-utf8':
      return wordPieces(UTF8_PIECES, behaviour.pieces, '');
    case 'other':
      return wordPieces(OTHER_WORDS, behaviour.pieces, ' ');
    case 'obedient':
      return wordPieces(WORDS, isCut(behaviour, body) ? (body.outputMax ?? 0) : behaviour.pieces, ' ');
    case 'prefill':
      return continuation(wordPieces(WORDS, behaviour.pieces, ' '), prefillOf(body));
    default:
      return wordPieces(WORDS, behaviour.pieces, ' ');
  }
}

/** Deterministic text of `count` tokens; tests compare against it. */
export function textOf(count: number): string {
  return wordPieces(WORDS, count, ' ').join('');
}

function wordPieces(words: readonly string[], count: number, separator: string): string[] {
  return Array.from({ length: count }, (_, at) => (at === 0 ? '' : separator) + (words[at % words.length] ?? ''));
}

function chunked(text: string, size: number): string[] {
  return Array.from({ length: Math.ceil(text.length / size) }, (_, at) => text.slice(at * size, (at + 1) * size));
}

/** Text of a last assistant message: what has been delivered already. */
function prefillOf(body: ChatBody): string {
  const last = body.messages.at(-1) as { role?: string; content?: unknown } | undefined;
  return last?.role === 'assistant' && typeof last.content === 'string' ? last.content : '';
}

function continuation(pieces: readonly string[], delivered: string): string[] {
  const whole = pieces.join('');
  if (delivered === '' || !whole.startsWith(delivered)) return [...pieces];
  return whole.slice(delivered.length).match(/ ?[^ ]+/g) ?? [];
}

/** What arrived of the image parts: how many, how long, and a hash of each URL. */
function visionReport(body: ChatBody): string {
  const parts = body.messages.flatMap((message) => {
    const content = (message as { content?: unknown }).content;
    return Array.isArray(content) ? (content as { type?: string; image_url?: { url?: string } }[]) : [];
  });
  const images = parts.filter((part) => part.type === 'image_url').map((part) => part.image_url?.url ?? '');
  const seen = images.map((url) => ({ chars: url.length, sha256: createHash('sha256').update(url).digest('hex') }));
  return JSON.stringify({ images: seen });
}

/** Usage in OpenAI's shape: cached tokens are part of the prompt tokens. */
export function usageOf(behaviour: Behaviour, body: ChatBody, outputTokens: number): Usage {
  const zero = behaviour.name === 'usage-zero';
  const prompt = zero
    ? 0
    : (behaviour.promptTokens ?? Math.max(1, Math.ceil(JSON.stringify(body.messages).length / 4)));
  const completion = zero ? 0 : outputTokens;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: behaviour.cachedTokens, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  };
}

/** One streamed chunk as JSON text. */
export function chunkJson(body: ChatBody, choices: readonly unknown[], more: Record<string, unknown> = {}): string {
  return JSON.stringify({
    id: 'chatcmpl-upstream',
    object: 'chat.completion.chunk',
    created: CREATED_S,
    model: body.model,
    system_fingerprint: 'fp_upstream',
    choices,
    ...more,
  });
}

/** A choice with a delta. */
export function choice(delta: Record<string, unknown>, finishReason: string | null = null): Record<string, unknown> {
  return { index: 0, delta, logprobs: null, finish_reason: finishReason };
}

/** The whole answer of a call that does not stream. */
export function completionJson(
  body: ChatBody,
  message: Record<string, unknown>,
  usage: Usage | null,
  finished = 'stop',
): string {
  const finishReason = 'tool_calls' in message ? 'tool_calls' : finished;
  return JSON.stringify({
    id: 'chatcmpl-upstream',
    object: 'chat.completion',
    created: CREATED_S,
    model: body.model,
    system_fingerprint: 'fp_upstream',
    choices: [{ index: 0, message: { role: 'assistant', ...message }, logprobs: null, finish_reason: finishReason }],
    ...(usage === null ? {} : { usage }),
  });
}

/** Tool calls of the `tools` behaviours; arguments hold quotes, escapes and non-ASCII. */
export const TOOL_CALLS = [
  { id: 'call_1', name: 'get_weather', arguments: '{"city":"Zürich \\"old town\\"","unit":"celsius","days":[1,2,3]}' },
  { id: 'call_2', name: 'get_time', arguments: '{"zone":"Europe/Zurich"}' },
] as const;

/** An error body in OpenAI's shape. */
export function errorJson(message: string, type: string, code: string | null): string {
  return JSON.stringify({ error: { message, type, param: null, code } });
}
