import fc from 'fast-check';
import { canHold, normaliseUsage } from './usage.js';

const none = { cachedInputTokens: 0, cachedOutputTokens: 0 };

describe('normaliseUsage', () => {
  it.each<[string, unknown, unknown]>([
    ['plain', { prompt_tokens: 10, completion_tokens: 5 }, { inputTokens: 10, outputTokens: 5, ...none }],
    [
      'OpenAI: cached tokens are part of the prompt',
      { prompt_tokens: 100, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 80, audio_tokens: 0 } },
      { inputTokens: 20, outputTokens: 5, cachedInputTokens: 80, cachedOutputTokens: 0 },
    ],
    [
      'DeepSeek',
      { prompt_tokens: 100, completion_tokens: 5, prompt_cache_hit_tokens: 64, prompt_cache_miss_tokens: 36 },
      { inputTokens: 36, outputTokens: 5, cachedInputTokens: 64, cachedOutputTokens: 0 },
    ],
    [
      'Moonshot',
      { prompt_tokens: 100, completion_tokens: 5, cached_tokens: 30 },
      { inputTokens: 70, outputTokens: 5, cachedInputTokens: 30, cachedOutputTokens: 0 },
    ],
    [
      'OpenRouter: cache writes',
      {
        prompt_tokens: 100,
        completion_tokens: 5,
        prompt_tokens_details: { cached_tokens: 10, cache_write_tokens: 60 },
      },
      { inputTokens: 30, outputTokens: 5, cachedInputTokens: 10, cachedOutputTokens: 60 },
    ],
    [
      'reasoning tokens inside the completion (OpenAI)',
      {
        prompt_tokens: 10,
        completion_tokens: 50,
        total_tokens: 60,
        completion_tokens_details: { reasoning_tokens: 40 },
      },
      { inputTokens: 10, outputTokens: 50, ...none },
    ],
    [
      'reasoning tokens beside the completion (xAI)',
      {
        prompt_tokens: 10,
        completion_tokens: 50,
        total_tokens: 100,
        completion_tokens_details: { reasoning_tokens: 40 },
      },
      { inputTokens: 10, outputTokens: 90, ...none },
    ],
    [
      'a total that means nothing',
      { prompt_tokens: 10, completion_tokens: 50, total_tokens: 999_999 },
      { inputTokens: 10, outputTokens: 50, ...none },
    ],
    [
      'more cached tokens than prompt: they are not a part of it',
      { prompt_tokens: 10, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 99 } },
      { inputTokens: 10, outputTokens: 1, cachedInputTokens: 99, cachedOutputTokens: 0 },
    ],
    [
      'details that are no object',
      { prompt_tokens: 10, completion_tokens: 1, prompt_tokens_details: null },
      { inputTokens: 10, outputTokens: 1, ...none },
    ],
    [
      'a cache beside the prompt, as the total proves',
      { prompt_tokens: 5, completion_tokens: 20, total_tokens: 10_025, cache_read_input_tokens: 10_000 },
      { inputTokens: 5, outputTokens: 20, cachedInputTokens: 10_000, cachedOutputTokens: 0 },
    ],
    [
      'a cache beside a larger prompt, as the total proves',
      { prompt_tokens: 500, completion_tokens: 20, total_tokens: 620, cache_read_input_tokens: 100 },
      { inputTokens: 500, outputTokens: 20, cachedInputTokens: 100, cachedOutputTokens: 0 },
    ],
    [
      'a cache beside the prompt that the total leaves out',
      { prompt_tokens: 5, completion_tokens: 20, total_tokens: 25, cache_read_input_tokens: 10_000 },
      { inputTokens: 5, outputTokens: 20, cachedInputTokens: 10_000, cachedOutputTokens: 0 },
    ],
    [
      'cache writes beside a prompt that holds the reads',
      {
        prompt_tokens: 100,
        completion_tokens: 5,
        total_tokens: 165,
        prompt_tokens_details: { cached_tokens: 80, cache_write_tokens: 60 },
      },
      { inputTokens: 20, outputTokens: 5, cachedInputTokens: 80, cachedOutputTokens: 60 },
    ],
    [
      'thoughts that only the total holds',
      { prompt_tokens: 50, completion_tokens: 10, total_tokens: 760 },
      { inputTokens: 50, outputTokens: 710, ...none },
    ],
    [
      'Gemini behind a relay: thoughts that only the total holds',
      { prompt_tokens: 20, completion_tokens: 198, total_tokens: 623 },
      { inputTokens: 20, outputTokens: 603, ...none },
    ],
    [
      'Gemini itself, thoughts that only the total holds',
      { promptTokenCount: 20, candidatesTokenCount: 198, totalTokenCount: 623 },
      { inputTokens: 20, outputTokens: 603, ...none },
    ],
    [
      'Gemini, thoughts inside the answer, as the total proves',
      { promptTokenCount: 20, candidatesTokenCount: 603, thoughtsTokenCount: 405, totalTokenCount: 623 },
      { inputTokens: 20, outputTokens: 603, ...none },
    ],
    [
      'Vertex in snake case',
      { prompt_token_count: 20, candidates_token_count: 198, thoughts_token_count: 405, total_token_count: 623 },
      { inputTokens: 20, outputTokens: 603, ...none },
    ],
    [
      'more reasoning than completion: it is not a part of it',
      { prompt_tokens: 10, completion_tokens: 5, completion_tokens_details: { reasoning_tokens: 60 } },
      { inputTokens: 10, outputTokens: 65, ...none },
    ],
    [
      'a part of the prompt that only the total holds',
      { prompt_tokens: 10, completion_tokens: 5, total_tokens: 55, tool_use_prompt_tokens: 40 },
      { inputTokens: 50, outputTokens: 5, ...none },
    ],
    [
      'a total smaller than its parts',
      { prompt_tokens: 10, completion_tokens: 5, total_tokens: 3 },
      { inputTokens: 10, outputTokens: 5, ...none },
    ],
    [
      'a completion that only the total tells',
      { prompt_tokens: 10, total_tokens: 30 },
      { inputTokens: 10, outputTokens: 20, ...none },
    ],
    [
      'Anthropic: cache writes only by how long they are kept',
      {
        input_tokens: 5,
        output_tokens: 20,
        cache_creation: { ephemeral_5m_input_tokens: 148, ephemeral_1h_input_tokens: 100 },
      },
      { inputTokens: 5, outputTokens: 20, cachedInputTokens: 0, cachedOutputTokens: 248 },
    ],
    [
      'DashScope: cache writes among the details of the prompt',
      {
        prompt_tokens: 1200,
        completion_tokens: 5,
        total_tokens: 1205,
        prompt_tokens_details: { cached_tokens: 0, cache_creation: { ephemeral_5m_input_tokens: 1000 } },
      },
      { inputTokens: 200, outputTokens: 5, cachedInputTokens: 0, cachedOutputTokens: 1000 },
    ],
    [
      'Bedrock',
      { inputTokens: 5, outputTokens: 20, totalTokens: 1025, cacheReadInputTokens: 1000, cacheWriteInputTokens: 0 },
      { inputTokens: 5, outputTokens: 20, cachedInputTokens: 1000, cachedOutputTokens: 0 },
    ],
    [
      'Mistral: cached tokens at the top',
      { prompt_tokens: 100, completion_tokens: 5, total_tokens: 105, num_cached_tokens: 64 },
      { inputTokens: 36, outputTokens: 5, cachedInputTokens: 64, cachedOutputTokens: 0 },
    ],
    [
      'Cohere: what it bills',
      { billed_units: { input_tokens: 5, output_tokens: 20 }, tokens: { input_tokens: 71, output_tokens: 20 } },
      { inputTokens: 5, outputTokens: 20, ...none },
    ],
    [
      'Perplexity: sources and reasoning beside everything',
      {
        prompt_tokens: 33,
        completion_tokens: 7163,
        total_tokens: 7196,
        citation_tokens: 20_016,
        reasoning_tokens: 95_305,
      },
      { inputTokens: 20_049, outputTokens: 102_468, ...none },
    ],
    [
      'counts that are text, or have a fraction of nothing',
      { prompt_tokens: '10', completion_tokens: '5.0', total_tokens: 15.0 },
      { inputTokens: 10, outputTokens: 5, ...none },
    ],
    [
      'a cache of fewer than no tokens',
      { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: -1 } },
      { inputTokens: 10, outputTokens: 5, ...none },
    ],
  ])('reads %s', (_name, raw, expected) => {
    expect(normaliseUsage(raw)).toEqual(expected);
  });

  it('never counts less than nothing, nor less than the vendor names', () => {
    const count = fc.nat(2000);
    const raw = fc.record(
      {
        prompt_tokens: count,
        completion_tokens: count,
        total_tokens: count,
        cached_tokens: count,
        cache_creation_input_tokens: count,
        completion_tokens_details: fc.record({ reasoning_tokens: count }),
      },
      { requiredKeys: ['prompt_tokens', 'completion_tokens'] },
    );
    fc.assert(
      fc.property(raw, (said) => {
        const usage = normaliseUsage(said);
        if (usage === null) return;
        const { inputTokens, outputTokens, cachedInputTokens, cachedOutputTokens } = usage;
        expect(Math.min(inputTokens, outputTokens, cachedInputTokens, cachedOutputTokens)).toBeGreaterThanOrEqual(0);
        expect(inputTokens + cachedInputTokens + cachedOutputTokens).toBeGreaterThanOrEqual(said.prompt_tokens);
        expect(outputTokens).toBeGreaterThanOrEqual(said.completion_tokens);
        expect(cachedInputTokens).toBe(said.cached_tokens ?? 0);
      }),
    );
  });

  it.each([
    undefined,
    null,
    'usage',
    [],
    {},
    { prompt_tokens: 10 },
    { completion_tokens: 10 },
    { prompt_tokens: '1e3', completion_tokens: 5 },
    { prompt_tokens: 10, completion_tokens: '-5' },
    { prompt_tokens: 10, completion_tokens: -5 },
    { prompt_tokens: 10, completion_tokens: 5.5 },
    { prompt_tokens: 10, completion_tokens: 1e15 },
    { prompt_tokens: Number.NaN, completion_tokens: 5 },
    { prompt_tokens: 0, completion_tokens: 0 },
  ])('takes %j for no usage', (raw) => {
    expect(normaliseUsage(raw)).toBeNull();
  });
});

describe('canHold', () => {
  it.each([
    [0, 0, true],
    [1, 16, true],
    [1, 17, false],
    [0, 1, false],
  ])('%i tokens of %i characters: %s', (tokens, chars, expected) => {
    expect(canHold(tokens, chars)).toBe(expected);
  });
});
