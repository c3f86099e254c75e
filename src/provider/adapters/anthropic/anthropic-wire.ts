import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';
import { canHold, mergedUsage, normaliseUsage } from '../../domain/usage.js';
import { eventsOfMessage } from './anthropic-events.js';
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
 * events and blocks, which clients are asked to skip, answers without usage or with a part of it, ends without an end mark.
 */
export class AnthropicMender implements Mender {
  /** What the usage objects so far said together. */
  private said: JsonRecord | null = null;
  private outputChars = 0;
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
        return this.mendContent(payload);
      default:
        return EVENTS.has(textOf(payload['type'])) ? payload : null;
    }
  }

  eventsOf(whole: JsonRecord): JsonRecord[] {
    return eventsOfMessage(whole);
  }

  ending(): JsonRecord | null {
    return this.lacksEnd ? { type: 'message_stop' } : null;
  }

  private mendMessage(message: JsonRecord): JsonRecord {
    const { content, usage } = message;
    if (isRecord(usage)) this.said = usage;
    const hasNews = Array.isArray(content) && !content.every((block) => isKnown(block, BLOCKS));
    if (isStrict(usage) && !hasNews) return message;
    return {
      ...message,
      usage: isStrict(usage) ? usage : strictUsage(this.said),
      ...(hasNews ? { content: content.filter((block) => isKnown(block, BLOCKS)) } : {}),
    };
  }

  private mendContent(payload: JsonRecord): JsonRecord | null {
    const { delta } = payload;
    if (!isRecord(delta) || !isKnown(delta, DELTAS)) return null;
    this.outputChars += `${textOf(delta['text'])}${textOf(delta['thinking'])}${textOf(delta['partial_json'])}`.length;
    return payload;
  }

  /** The usage that counts is the last one; what it leaves out, those before it have said. */
  private mendDelta(payload: JsonRecord): JsonRecord {
    const { delta, usage } = payload;
    if (isRecord(delta) && textOf(delta['stop_reason']) !== '') this.lacksEnd = true;
    if (isRecord(usage)) this.said = mergedUsage(this.said, usage);
    const counted = normaliseUsage(this.said)?.outputTokens ?? 0;
    const isFinal = isRecord(usage) && normaliseUsage({ ...usage, input_tokens: 1 }) !== null;
    // The first event counts the beginning of the output, not all of it.
    const isTrue = isFinal || canHold(counted, this.outputChars);
    return { ...payload, usage: strictUsage({ ...this.said, ...(isTrue ? {} : { output_tokens: 0 }) }) };
  }
}

/** As the library insists on it. */
function isStrict(usage: unknown): usage is JsonRecord {
  return isRecord(usage) && typeof usage['input_tokens'] === 'number' && typeof usage['output_tokens'] === 'number';
}

function strictUsage(said: JsonRecord | null): JsonRecord {
  const usage = normaliseUsage(said);
  if (said === null || usage === null) return NO_USAGE;
  const { iterations, output_tokens_details: details } = said;
  return {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cache_read_input_tokens: usage.cachedInputTokens,
    cache_creation_input_tokens: usage.cachedOutputTokens,
    ...(Array.isArray(iterations) ? { iterations: iterations as unknown[] } : {}),
    ...(isRecord(details) ? { output_tokens_details: details } : {}),
  };
}

function isKnown(value: unknown, kinds: ReadonlySet<string>): boolean {
  return isRecord(value) && kinds.has(textOf(value['type']));
}
