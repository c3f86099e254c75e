import { createHash } from 'node:crypto';
import type { Behaviour } from './behaviour.js';

export type JsonRecord = Record<string, unknown>;

/** What an answer depends on, whatever wire format the request came in. */
export interface ChatBody {
  model: string;
  stream: boolean;
  /** Usage in a stream was asked for; vendors that always send it ignore this. */
  includeUsage: boolean;
  /** The request's maximum of output tokens; `null` when it has none. */
  outputMax: number | null;
  /** Characters of the conversation, for counting a prompt. */
  promptChars: number;
  /** Text of a last assistant message: what has been delivered already. */
  prefill: string;
  /** Images in order: their URL, or their bytes as a `data:` URL. */
  images: readonly string[];
  hasTools: boolean;
  /** The conversation brings a result of a tool. */
  hasToolResult: boolean;
  /** A function that must be called. */
  forcedTool: string | null;
  json: JsonRecord;
  raw: string;
}

/** Counts as they are; each vendor reports them in its own way. */
export interface Counts {
  /** All prompt tokens, cached and written ones included. */
  prompt: number;
  cached: number;
  written: number;
  /** All output tokens, thoughts included. */
  output: number;
  thoughts: number;
}

export const CREATED_S = 1_764_000_000;
/** A token each for the tokenizer of OpenAI's current models, so that what is reported is what it would count. */
const WORDS = 'the quick brown fox jumps over a lazy dog while seven grey birds watch from old oak trees'.split(' ');
const OTHER_WORDS = 'nothing here is the same as before because another voice answers now'.split(' ');
/** Two, three and four bytes a character, so that every way of splitting occurs. */
const UTF8_PIECES = ['Grüße ', '你好，', '世界 ', '🦊🦉 ', 'naïve ', '日本語 ', 'ß ', '🏳️‍🌈 '];

const HUGE_PIECE = 'x'.repeat(16 * 1024);
const MIB = 1024 * 1024;
const ARGUMENT_PIECE_CHARS = 7;

/** Thoughts of `reasoning`, a token each. */
export const THOUGHTS = ['Let me ', 'think.'] as const;
/** Opaque text that belongs to thoughts and must come back in the next turn. */
export const SIGNATURE = 'c2lnbmF0dXJlL29mK3Rob3VnaHRz';
export const REFUSAL = 'I cannot help with that.';
/** Document of `json`. */
export const JSON_ANSWER = '{"city":"Zürich","days":[1,2,3],"dry":true}';

/** Tool calls of the `tools` behaviours; arguments hold quotes, escapes and non-ASCII. */
export const TOOL_CALLS = [
  { id: 'call_1', name: 'get_weather', arguments: '{"city":"Zürich \\"old town\\"","unit":"celsius","days":[1,2,3]}' },
  { id: 'call_2', name: 'get_time', arguments: '{"zone":"Europe/Zurich"}' },
] as const;

export interface ToolCall {
  id: string;
  name: string;
  /** JSON text. */
  arguments: string;
}

/** Answers without a word, and without usage: a picture, speech, thoughts that nobody can read. */
export const WORDLESS: Readonly<Record<string, JsonRecord>> = {
  picture: { images: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${'iVBO'.repeat(500)}` } }] },
  speech: { audio: { id: 'audio_1', data: 'UklG'.repeat(2_000), transcript: 'The quick brown fox.' } },
  sealed: { reasoning_details: [{ type: 'reasoning.encrypted', data: 'c2Vh'.repeat(300) }] },
};

/** Whether the answer ends at the request's maximum; only `obedient` and `hidden` models care. */
export function isCut(behaviour: Behaviour, body: ChatBody): boolean {
  const { name, pieces } = behaviour;
  if ((name !== 'obedient' && name !== 'hidden') || body.outputMax === null) return false;
  return body.outputMax < pieces + hiddenOf(behaviour, body);
}

/** What `hidden` thinks: never more than the maximum. */
export function hiddenOf({ name, hiddenTokens }: Behaviour, { outputMax }: ChatBody): number {
  return name === 'hidden' ? Math.min(hiddenTokens, outputMax ?? hiddenTokens) : 0;
}

/** The answer in pieces of one token each. The same behaviour and body always give the same pieces. */
export function piecesOf(behaviour: Behaviour, body: ChatBody): string[] {
  switch (behaviour.name) {
    case 'echo':
      return chunked(body.raw, 64);
    case 'vision':
      return [visionReport(body)];
    case 'json':
      return chunked(JSON_ANSWER, ARGUMENT_PIECE_CHARS);
    case 'refusal':
      return [];
    case 'huge':
      return Array<string>((behaviour.mebibytes * MIB) / HUGE_PIECE.length).fill(HUGE_PIECE);
    case 'split-utf8':
      return wordPieces(UTF8_PIECES, behaviour.pieces, '');
    case 'other':
      return wordPieces(OTHER_WORDS, behaviour.pieces, ' ');
    case 'picture':
    case 'speech':
    case 'sealed':
      return [];
    case 'obedient':
    case 'hidden':
      return wordPieces(WORDS, outputOf(behaviour, body) - hiddenOf(behaviour, body), ' ');
    case 'prefill':
      return continuation(wordPieces(WORDS, behaviour.pieces, ' '), body.prefill);
    default:
      return wordPieces(WORDS, behaviour.pieces, ' ');
  }
}

/** Functions that the answer calls instead of saying something; a vendor is named where it calls them in a way of its own. */
export function callsOf(behaviour: Behaviour, body: ChatBody, isVendor: boolean): readonly ToolCall[] {
  const { name } = behaviour;
  if (name === 'json' && body.forcedTool !== null) {
    return [{ id: 'call_1', name: body.forcedTool, arguments: JSON_ANSWER }];
  }
  if (name === 'tools') return TOOL_CALLS.slice(0, 1);
  if (name.startsWith('tools-')) return TOOL_CALLS;
  const calls = name === 'signed' || isVendor;
  return calls && body.hasTools && !body.hasToolResult ? TOOL_CALLS : [];
}

/** Whether thoughts come before the answer. */
export function hasThoughts(behaviour: Behaviour): boolean {
  return ['reasoning', 'redacted', 'signed'].includes(behaviour.name);
}

/** Deterministic text of `count` tokens; tests compare against it. */
export function textOf(count: number): string {
  return wordPieces(WORDS, count, ' ').join('');
}

/** A call's arguments as they are streamed. */
export function argumentPieces(text: string): string[] {
  return chunked(text, ARGUMENT_PIECE_CHARS);
}

function wordPieces(words: readonly string[], count: number, separator: string): string[] {
  return Array.from({ length: count }, (_, at) => (at === 0 ? '' : separator) + (words[at % words.length] ?? ''));
}

function chunked(text: string, size: number): string[] {
  return Array.from({ length: Math.ceil(text.length / size) }, (_, at) => text.slice(at * size, (at + 1) * size));
}

function continuation(pieces: readonly string[], delivered: string): string[] {
  const whole = pieces.join('');
  if (delivered === '' || !whole.startsWith(delivered)) return [...pieces];
  return whole.slice(delivered.length).match(/ ?[^ ]+/g) ?? [];
}

/** What arrived of the images: how many, how long, and a hash of each URL. */
function visionReport({ images }: ChatBody): string {
  const seen = images.map((url) => ({ chars: url.length, sha256: createHash('sha256').update(url).digest('hex') }));
  return JSON.stringify({ images: seen });
}

/** What the answer counts when `sent` of its pieces have left; all of them when absent. */
export function countsOf(behaviour: Behaviour, body: ChatBody, thoughts: number, sent?: number): Counts {
  if (behaviour.name === 'usage-zero') return { prompt: 0, cached: 0, written: 0, output: 0, thoughts: 0 };
  return {
    prompt: behaviour.promptTokens ?? Math.max(1, Math.ceil(body.promptChars / 4)),
    cached: behaviour.cachedTokens,
    written: behaviour.cacheWriteTokens,
    output: behaviour.reportedTokens ?? sent ?? outputOf(behaviour, body) + thoughts,
    thoughts: thoughts + hiddenOf(behaviour, body),
  };
}

function outputOf(behaviour: Behaviour, body: ChatBody): number {
  if (isCut(behaviour, body)) return body.outputMax ?? 0;
  if (['echo', 'prefill', 'huge'].includes(behaviour.name)) return piecesOf(behaviour, body).length;
  return behaviour.pieces + hiddenOf(behaviour, body);
}

/** A JSON object that was received, or `null`. */
export function readJson(raw: string): JsonRecord | null {
  try {
    const value: unknown = JSON.parse(raw);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects of a list; nothing for anything else. */
export function recordsOf(value: unknown): JsonRecord[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
