import type { LanguageModelV4Usage } from '@ai-sdk/provider';
import type { JsonRecord } from '../../domain/json.js';
import { normaliseUsage } from '../../domain/usage.js';

/**
 * Usage in OpenAI's fields: the prompt with what was read from and written to a cache, both named apart; the answer with its
 * reasoning.
 * @returns `null` when the vendor told none that can be true.
 */
export function usageOf({ inputTokens, outputTokens, raw }: LanguageModelV4Usage): JsonRecord | null {
  // Steps that Anthropic takes by itself have counts of their own, which the SDK adds up.
  const steps = { input_tokens: inputTokens.noCache, output_tokens: outputTokens.total };
  const usage = normaliseUsage(raw?.['iterations'] === undefined ? raw : { ...raw, ...steps });
  if (usage === null) return null;
  const { inputTokens: fresh, cachedInputTokens: read, cachedOutputTokens: written, outputTokens: completion } = usage;
  const prompt = fresh + read + written;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: read, cache_write_tokens: written },
    completion_tokens_details: { reasoning_tokens: Math.min(outputTokens.reasoning ?? 0, completion) },
  };
}
