import type { Outcome } from '../../billing/index.js';

type JsonRecord = Readonly<Record<string, unknown>>;

/** Fields of vendors that say in other words, or in money, what is said here. */
const OTHER_WORDS = /^(cost|input_|output_|cache_creation$|billed_units$|tokens$)|token_?count|[a-z]Tokens/i;

/**
 * The `usage` that a caller sees: always what it is billed for, in OpenAI's shape, whole and streamed, counted by the provider or
 * here, after a rescue too. Further fields of the provider stay where its own count is the one that is billed.
 * @param reported the provider's usage object, when it says the same as the outcome.
 * @param costUsd what the caller pays.
 */
export function callerUsageOf(
  { usage, usageSource }: Pick<Outcome, 'usage' | 'usageSource'>,
  reported: JsonRecord | null,
  costUsd: number,
): JsonRecord {
  const { inputTokens, cachedInputTokens, cachedOutputTokens, outputTokens } = usage;
  const prompt = inputTokens + cachedInputTokens + cachedOutputTokens;
  const theirs = usageSource === 'provider' ? (reported ?? {}) : {};
  const further = Object.entries(theirs).filter(([name]) => !OTHER_WORDS.test(name));
  return {
    ...Object.fromEntries(further),
    prompt_tokens: prompt,
    completion_tokens: outputTokens,
    total_tokens: prompt + outputTokens,
    prompt_tokens_details: {
      ...recordOf(theirs['prompt_tokens_details']),
      cached_tokens: cachedInputTokens,
      ...(cachedOutputTokens === 0 ? {} : { cache_write_tokens: cachedOutputTokens }),
    },
    cost: costUsd,
  };
}

function recordOf(value: unknown): JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonRecord) : {};
}
