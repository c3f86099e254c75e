import type { TokenUsage } from '../domain/call.js';
import type { JsonRecord } from '../domain/json.js';
import type { ChunkReader } from '../sse/chunk-reader.js';
import { countPromptTokens } from '../tokens/prompt-tokens.js';
import type { TokenCounter } from '../tokens/token-counter.js';

/** What one attempt was given and has written. */
export interface Written {
  /** The caller's request. */
  body: Readonly<JsonRecord>;
  /** Tokens of the answer that it was given as a beginning. */
  prefilledTokens: number;
  text: string;
}

/** What an attempt used at its provider: by the provider's own count, and where it has none by the gateway's. */
export function usedTokens(
  reader: ChunkReader,
  isComplete: boolean,
  written: Written,
  tokens: TokenCounter,
): TokenUsage {
  const counted = reader.countedUsage(isComplete);
  if (counted !== null) return counted;
  const told = reader.usage;
  const outputTokens = Math.max(told?.outputTokens ?? 0, tokens.count(written.text));
  if (told !== null) return { ...told, outputTokens };
  const prompt = countPromptTokens(written.body, (text) => tokens.count(text));
  return { inputTokens: prompt + written.prefilledTokens, outputTokens, cachedInputTokens: 0, cachedOutputTokens: 0 };
}
