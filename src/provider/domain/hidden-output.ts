import type { TokenUsage } from './call.js';
import { isRecord } from './json.js';

/** What an answer has shown, as far as a guess at its tokens needs it. */
export interface ShownOutput {
  /** Bytes of UTF-8 of all text. */
  bytes: number;
  /** Those of thoughts. */
  thoughtBytes: number;
  /** See `DeliveredOutput`. */
  dataTokens: number;
}

/** Bytes to a token, on the low side: what is shown is never taken for less than it is. */
const BYTES_PER_TOKEN = 3;
/** A smaller difference may come from another tokenizer, or from marks around tool calls. */
const CLEARLY_TOKENS = 256;

/**
 * Output tokens that an answer has cost beyond what it has shown: reported thoughts without the thoughts that were shown; where a
 * vendor reports none, a count that is clearly more than everything shown.
 */
export function hiddenTokensOf(usage: TokenUsage, reasoningTokens: number, shown: ShownOutput): number {
  if (reasoningTokens > 0) {
    const hidden = Math.min(reasoningTokens, usage.outputTokens) - Math.ceil(shown.thoughtBytes / BYTES_PER_TOKEN);
    return Math.max(0, hidden - Math.ceil(shown.dataTokens));
  }
  if (shown.dataTokens > 0) return 0;
  const shownTokens = Math.ceil(shown.bytes / BYTES_PER_TOKEN);
  const hidden = usage.outputTokens - shownTokens;
  return hidden >= CLEARLY_TOKENS && hidden >= shownTokens ? hidden : 0;
}

/** Tokens of thoughts that a usage object names, in whatever vendor's shape; 0 when it names none. */
export function reasoningTokensOf(raw: unknown): number {
  if (!isRecord(raw)) return 0;
  const details = raw['completion_tokens_details'] ?? raw['output_tokens_details'];
  const named = isRecord(details) ? details['reasoning_tokens'] : undefined;
  const tokens = named ?? raw['reasoning_tokens'] ?? raw['thoughtsTokenCount'];
  return typeof tokens === 'number' && Number.isInteger(tokens) && tokens > 0 ? tokens : 0;
}
