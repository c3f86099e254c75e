import type { TokenUsage } from './call.js';
import { isRecord, type JsonRecord } from './json.js';

/** No real call comes near it; a count above is a fault of the upstream, not a bill. */
const TOKENS_MAX = 100_000_000;

/**
 * Reads the usage of an OpenAI-shaped answer into disjoint buckets. OpenAI counts cached tokens inside `prompt_tokens`
 * (`prompt_tokens_details.cached_tokens`), DeepSeek too (`prompt_cache_hit_tokens`), Moonshot (`cached_tokens`) as well;
 * cache writes come as `cache_write_tokens` (OpenRouter) or `cache_creation_input_tokens`. Reasoning tokens are part
 * of `completion_tokens`, except where the total shows that they came on top (xAI).
 * @returns `null` when a required count is missing, negative, fractional, huge or not a number, or the prompt is zero.
 */
export function normaliseUsage(raw: unknown): TokenUsage | null {
  if (!isRecord(raw)) return null;
  const prompt = tokensOf(raw['prompt_tokens'] ?? raw['input_tokens']);
  const completion = tokensOf(raw['completion_tokens'] ?? raw['output_tokens']);
  if (prompt === null || prompt === 0 || completion === null) return null;
  const cached = Math.min(prompt, cachedOf(raw));
  const written = Math.min(prompt - cached, writtenOf(raw));
  return {
    inputTokens: prompt - cached - written,
    outputTokens: completion + reasoningOnTop(raw, prompt, completion),
    cachedInputTokens: cached,
    cachedOutputTokens: written,
  };
}

function cachedOf(raw: JsonRecord): number {
  const details = detailsOf(raw);
  return (
    tokensOf(details['cached_tokens']) ??
    tokensOf(raw['prompt_cache_hit_tokens']) ??
    tokensOf(raw['cached_tokens']) ??
    tokensOf(raw['cache_read_input_tokens']) ??
    0
  );
}

function writtenOf(raw: JsonRecord): number {
  const details = detailsOf(raw);
  return (
    tokensOf(details['cache_write_tokens']) ??
    tokensOf(details['cache_creation_tokens']) ??
    tokensOf(raw['cache_creation_input_tokens']) ??
    0
  );
}

/** Reasoning tokens that the vendor counts beside `completion_tokens`: only when the total adds up exactly so. */
function reasoningOnTop(raw: JsonRecord, prompt: number, completion: number): number {
  const details = raw['completion_tokens_details'];
  const reasoning = isRecord(details) ? tokensOf(details['reasoning_tokens']) : null;
  const total = tokensOf(raw['total_tokens']);
  if (reasoning === null || total === null) return 0;
  return total === prompt + completion + reasoning ? reasoning : 0;
}

function detailsOf(raw: JsonRecord): JsonRecord {
  const details = raw['prompt_tokens_details'] ?? raw['input_tokens_details'];
  return isRecord(details) ? details : {};
}

function tokensOf(value: unknown): number | null {
  if (typeof value !== 'number' || !Number.isInteger(value)) return null;
  return value >= 0 && value <= TOKENS_MAX ? value : null;
}
