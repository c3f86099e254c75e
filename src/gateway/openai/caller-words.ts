import type { CallerWords } from '../../router/index.js';
import type { ChatRequest } from './chat-request.schema.js';

type Message = ChatRequest['messages'][number];

/** What clients put into a user's message beside what the user wrote. */
const INSERTED_TAGS = [
  'system-reminder',
  'system_reminder',
  'environment_details',
  'environment_context',
  'local-command-stdout',
  'local-command-stderr',
  'tool_result',
  'tool_response',
  'function_results',
];
/** Of a longer message only the beginning and the end are looked at. */
const WINDOW_CHARS = 65_536;
/** Messages that are looked through, from the end, for one that a user wrote. */
const MESSAGES_MAX = 20;

/**
 * What the caller wrote: the newest message of a user, and the first one of a talk that is under way. Only text of users counts:
 * no tool output, no instructions, nothing that clients insert.
 */
export function callerWordsOf({ messages }: ChatRequest): CallerWords {
  const written = messages.filter(isUsers);
  const [first] = written;
  let asked = '';
  let newest: Message | undefined;
  for (const message of written.slice(-MESSAGES_MAX).reverse()) {
    asked = wordsOf(message);
    newest = message;
    if (asked !== '') break;
  }
  const isUnderWay = first !== undefined && first !== newest;
  return { asked, opening: isUnderWay ? wordsOf(first) : null };
}

function isUsers(message: Message): boolean {
  return message.role === 'user' && message.content !== null && message.content !== undefined;
}

function wordsOf({ content }: Message): string {
  if (typeof content === 'string') return withoutInsertions(content);
  const texts = (content ?? []).map((part) =>
    part.type === 'text' && typeof part['text'] === 'string' ? part['text'] : '',
  );
  return withoutInsertions(texts.join('\n'));
}

/** The text without what clients insert. An insertion without an end goes on to the end, one without a beginning from the beginning. */
function withoutInsertions(text: string): string {
  if (text.length <= 2 * WINDOW_CHARS) return stripped(text).trim();
  const head = stripped(text.slice(0, WINDOW_CHARS));
  return `${head}\n${stripped(text.slice(-WINDOW_CHARS))}`.trim();
}

function stripped(text: string): string {
  let rest = text;
  for (const tag of INSERTED_TAGS) {
    const [open, close] = [`<${tag}>`, `</${tag}>`];
    // One look for each tag is what an ordinary message costs.
    if (rest.includes(close) || rest.includes(open)) rest = without(rest, open, close);
  }
  return rest;
}

function without(text: string, open: string, close: string): string {
  const kept: string[] = [];
  let at = 0;
  let next = text.indexOf(open);
  const orphan = text.indexOf(close);
  if (orphan >= 0 && (next < 0 || orphan < next)) at = orphan + close.length;
  next = text.indexOf(open, at);
  while (next >= 0) {
    kept.push(text.slice(at, next));
    const end = text.indexOf(close, next);
    if (end < 0) return kept.join(' ');
    at = end + close.length;
    next = text.indexOf(open, at);
  }
  kept.push(text.slice(at));
  return kept.join(' ');
}
