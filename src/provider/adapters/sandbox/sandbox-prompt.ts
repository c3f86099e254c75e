import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';
import type { TokenCounter } from '../../tokens/token-counter.js';

/** What OpenAI's format adds to each message and to the prompt, and what a small picture costs there. */
const TOKENS_PER_MESSAGE = 4;
const TOKENS_PER_PROMPT = 3;
const TOKENS_PER_IMAGE = 85;

const DELAY_MS_DEFAULT = 8;
const DELAY_MS_MAX = 10_000;
/** Of all choices of an answer together: writing and counting them holds up the process. */
const WORDS_MAX = 20_000;

/** What the sandbox reads of a request. */
export interface SandboxPrompt {
  /** Text of the last message that a user wrote, without markers. */
  userText: string;
  /** Result of a tool, when that is what the last message is. */
  toolResult: string | null;
  /** Text of a last message by the assistant: the answer is to go on from it. */
  prefill: string;
  images: number;
  tokens: number;
  /** Pause before each piece: `[sandbox:delay=50]`. */
  delayMs: number;
  /** Length of the answer: `[sandbox:words=500]`; 0 for the usual one. */
  words: number;
}

/** Reads the messages of a request and the markers in the last thing that the user said. @param choices of the answer. */
export function readPrompt(body: Readonly<JsonRecord>, counter: TokenCounter, choices = 1): SandboxPrompt {
  const messages = messagesOf(body);
  const last = messages.at(-1);
  const prefill = last?.['role'] === 'assistant' ? textOfContent(last['content']) : '';
  const said = textOfContent(messages.findLast(({ role }) => role === 'user')?.['content']);
  return {
    userText: said.replace(/\[sandbox:\w+=\d+\]\s*/g, '').trim(),
    toolResult: last?.['role'] === 'tool' || last?.['role'] === 'function' ? textOfContent(last['content']) : null,
    prefill,
    images: messages.reduce((images, { content }) => images + imagesIn(content), 0),
    tokens: countPrompt(body, messages, counter),
    delayMs: Math.min(DELAY_MS_MAX, marker(said, 'delay') ?? DELAY_MS_DEFAULT),
    words: Math.min(Math.floor(WORDS_MAX / choices), marker(said, 'words') ?? 0),
  };
}

/** What each message says, in order. */
export function textsOf(body: Readonly<JsonRecord>): string[] {
  return messagesOf(body).map(({ content }) => textOfContent(content));
}

function messagesOf({ messages }: Readonly<JsonRecord>): JsonRecord[] {
  return Array.isArray(messages) ? (messages as unknown[]).filter(isRecord) : [];
}

function marker(text: string, name: string): number | null {
  const match = new RegExp(`\\[sandbox:${name}=(\\d{1,6})\\]`).exec(text);
  return match === null ? null : Number(match[1]);
}

function textOfContent(content: unknown): string {
  if (!Array.isArray(content)) return textOf(content);
  return content.map((part: unknown) => (isRecord(part) ? textOf(part['text']) : '')).join(' ');
}

function imagesIn(content: unknown): number {
  if (!Array.isArray(content)) return 0;
  return content.filter((part: unknown) => isRecord(part) && part['type'] === 'image_url').length;
}

function countPrompt(body: Readonly<JsonRecord>, messages: readonly JsonRecord[], counter: TokenCounter): number {
  const texts: string[] = [];
  let tokens = TOKENS_PER_PROMPT;
  for (const { content, tool_calls: calls } of messages) {
    tokens += TOKENS_PER_MESSAGE + imagesIn(content) * TOKENS_PER_IMAGE;
    texts.push(textOfContent(content));
    if (Array.isArray(calls)) texts.push(JSON.stringify(calls));
  }
  for (const field of ['tools', 'functions']) if (Array.isArray(body[field])) texts.push(JSON.stringify(body[field]));
  return tokens + counter.countAll(texts);
}
