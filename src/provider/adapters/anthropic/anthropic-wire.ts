import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';

const EVENTS: ReadonlySet<string> = new Set([
  'message',
  'message_start',
  'message_delta',
  'message_stop',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'ping',
  'error',
]);
const BLOCKS: ReadonlySet<string> = new Set(['text', 'thinking', 'redacted_thinking', 'tool_use']);
const DELTAS: ReadonlySet<string> = new Set(['text_delta', 'thinking_delta', 'signature_delta', 'input_json_delta']);

/** A prompt of no tokens: nobody will take it for a count. */
const NO_USAGE = { input_tokens: 0, output_tokens: 0 };

/**
 * Events and bodies that Anthropic, or a server that speaks its protocol, sends otherwise than its library expects: new kinds of
 * events and blocks, which clients are asked to skip, and answers without usage.
 */
export function mendAnthropic(payload: JsonRecord): JsonRecord | null {
  switch (payload['type']) {
    case 'message':
      return mendMessage(payload);
    case 'message_start': {
      const { message } = payload;
      const mended = isRecord(message) ? mendMessage(message) : message;
      return mended === message ? payload : { ...payload, message: mended };
    }
    case 'message_delta':
      return isRecord(payload['usage']) ? payload : { ...payload, usage: { output_tokens: 0 } };
    case 'content_block_start':
      return isKnown(payload['content_block'], BLOCKS) ? payload : null;
    case 'content_block_delta':
      return isKnown(payload['delta'], DELTAS) ? payload : null;
    default:
      return EVENTS.has(textOf(payload['type'])) ? payload : null;
  }
}

function mendMessage(message: JsonRecord): JsonRecord {
  const { content, usage } = message;
  const hasNews = Array.isArray(content) && !content.every((block) => isKnown(block, BLOCKS));
  if (isRecord(usage) && !hasNews) return message;
  return {
    ...message,
    usage: isRecord(usage) ? usage : NO_USAGE,
    ...(hasNews ? { content: content.filter((block) => isKnown(block, BLOCKS)) } : {}),
  };
}

function isKnown(value: unknown, kinds: ReadonlySet<string>): boolean {
  return isRecord(value) && kinds.has(textOf(value['type']));
}
