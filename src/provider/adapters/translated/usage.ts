import type { LanguageModelV4Usage } from '@ai-sdk/provider';
import type { JsonRecord } from '../../domain/json.js';

/**
 * Usage in OpenAI's fields: the prompt with what was read from and written to a cache, both named apart; the answer with its
 * reasoning.
 * @returns `null` when the vendor told none.
 */
export function usageOf({ inputTokens, outputTokens }: LanguageModelV4Usage): JsonRecord | null {
  const { total: prompt, cacheRead, cacheWrite } = inputTokens;
  const { total: completion, reasoning } = outputTokens;
  if (prompt === undefined || completion === undefined || prompt === 0) return null;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cacheRead ?? 0, cache_write_tokens: cacheWrite ?? 0 },
    completion_tokens_details: { reasoning_tokens: reasoning ?? 0 },
  };
}
