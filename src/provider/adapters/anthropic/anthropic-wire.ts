import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';
import type { Mender } from '../translated/wire-filter.js';

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
 * events and blocks, which clients are asked to skip, answers without usage, ends without an end mark.
 */
export class AnthropicMender implements Mender {
  private outputTokens: unknown = 0;
  private lacksEnd = false;

  mend(payload: JsonRecord): JsonRecord | null {
    switch (payload['type']) {
      case 'message':
        return this.mendMessage(payload);
      case 'message_start': {
        const { message } = payload;
        const mended = isRecord(message) ? this.mendMessage(message) : message;
        return mended === message ? payload : { ...payload, message: mended };
      }
      case 'message_delta':
        return this.mendDelta(payload);
      case 'message_stop':
        this.lacksEnd = false;
        return payload;
      case 'content_block_start':
        return isKnown(payload['content_block'], BLOCKS) ? payload : null;
      case 'content_block_delta':
        return isKnown(payload['delta'], DELTAS) ? payload : null;
      default:
        return EVENTS.has(textOf(payload['type'])) ? payload : null;
    }
  }

  ending(): JsonRecord | null {
    return this.lacksEnd ? { type: 'message_stop' } : null;
  }

  private mendMessage(message: JsonRecord): JsonRecord {
    const { content, usage } = message;
    if (isRecord(usage)) this.outputTokens = usage['output_tokens'];
    const hasNews = Array.isArray(content) && !content.every((block) => isKnown(block, BLOCKS));
    if (isRecord(usage) && !hasNews) return message;
    return {
      ...message,
      usage: isRecord(usage) ? usage : NO_USAGE,
      ...(hasNews ? { content: content.filter((block) => isKnown(block, BLOCKS)) } : {}),
    };
  }

  /** A later one without usage says nothing new about it. */
  private mendDelta(payload: JsonRecord): JsonRecord {
    const { delta, usage } = payload;
    if (isRecord(delta) && textOf(delta['stop_reason']) !== '') this.lacksEnd = true;
    if (!isRecord(usage)) return { ...payload, usage: { output_tokens: this.outputTokens } };
    this.outputTokens = usage['output_tokens'];
    return payload;
  }
}

function isKnown(value: unknown, kinds: ReadonlySet<string>): boolean {
  return isRecord(value) && kinds.has(textOf(value['type']));
}
