import type { TokenUsage } from './call.js';
import { isRecord, type JsonRecord } from './json.js';

/** No real call comes near it; a count above is a fault of the upstream, not a bill. */
const TOKENS_MAX = 100_000_000;

/**
 * Reads the usage object of an answer into disjoint buckets, whatever vendor's shape it has:
 * - OpenAI counts cached tokens inside `prompt_tokens` (`prompt_tokens_details.cached_tokens`), DeepSeek too
 *   (`prompt_cache_hit_tokens`), Moonshot (`cached_tokens`) as well; cache writes come as `cache_write_tokens` (OpenRouter) or
 *   `cache_creation_input_tokens`, inside the prompt, too. Reasoning tokens are part of `completion_tokens`, except where the
 *   total shows that they came on top (xAI).
 * - Anthropic counts what it read from and wrote to its cache beside `input_tokens`; thinking is part of `output_tokens`.
 * - Gemini counts cached tokens inside `promptTokenCount`, prompts of tools beside it, and thoughts beside the answer.
 * @returns `null` when a required count is missing, negative, fractional, huge or not a number, or the prompt is zero.
 */
export function normaliseUsage(raw: unknown): TokenUsage | null {
  if (!isRecord(raw)) return null;
  const counts =
    'promptTokenCount' in raw ? geminiCounts(raw) : isAnthropic(raw) ? anthropicCounts(raw) : openAiCounts(raw);
  if (counts === null || counts.prompt === 0) return null;
  const cached = Math.min(counts.prompt, counts.cached);
  const written = Math.min(counts.prompt - cached, counts.written);
  return {
    inputTokens: counts.prompt - cached - written,
    outputTokens: counts.output,
    cachedInputTokens: cached,
    cachedOutputTokens: written,
  };
}

/**
 * Reads a usage that may say only what has changed since the one before it in the same stream, as Anthropic's last one does
 * (`output_tokens` alone).
 * @returns `null` when neither it nor both together are a usage.
 */
export function normaliseNextUsage(raw: JsonRecord, before: JsonRecord | null): TokenUsage | null {
  const usage = normaliseUsage(raw);
  return usage !== null || before === null ? usage : normaliseUsage({ ...before, ...withoutNulls(raw) });
}

/** `prompt` is all of it, with what was read from and written to a cache. */
interface Counts {
  prompt: number;
  cached: number;
  written: number;
  output: number;
}

function openAiCounts(raw: JsonRecord): Counts | null {
  const prompt = tokensOf(raw['prompt_tokens'] ?? raw['input_tokens']);
  const completion = tokensOf(raw['completion_tokens'] ?? raw['output_tokens']);
  if (prompt === null || prompt === 0 || completion === null) return null;
  const output = completion + reasoningOnTop(raw, prompt, completion);
  return { prompt, cached: cachedOf(raw), written: writtenOf(raw), output };
}

/** OpenAI's own objects of the newer form say `input_tokens`, too, but name their details otherwise. */
function isAnthropic(raw: JsonRecord): boolean {
  return !('prompt_tokens' in raw) && ('cache_read_input_tokens' in raw || 'cache_creation_input_tokens' in raw);
}

function anthropicCounts(raw: JsonRecord): Counts | null {
  const fresh = tokensOf(raw['input_tokens']);
  const output = tokensOf(raw['output_tokens']);
  const cached = tokensOf(raw['cache_read_input_tokens'] ?? 0);
  const written = tokensOf(raw['cache_creation_input_tokens'] ?? 0);
  if (fresh === null || output === null || cached === null || written === null) return null;
  return { prompt: fresh + cached + written, cached, written, output };
}

/** Counts that are zero are left out by Gemini; an answer of nothing but thoughts has no `candidatesTokenCount`. */
function geminiCounts(raw: JsonRecord): Counts | null {
  const prompt = tokensOf(raw['promptTokenCount']);
  const ofTools = tokensOf(raw['toolUsePromptTokenCount'] ?? 0);
  const cached = tokensOf(raw['cachedContentTokenCount'] ?? 0);
  const answer = tokensOf(raw['candidatesTokenCount'] ?? 0);
  const thoughts = tokensOf(raw['thoughtsTokenCount'] ?? 0);
  if (prompt === null || ofTools === null || cached === null || answer === null || thoughts === null) return null;
  return { prompt: prompt + ofTools, cached, written: 0, output: answer + thoughts };
}

function withoutNulls(raw: JsonRecord): JsonRecord {
  return Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== null));
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
