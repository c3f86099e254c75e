import { normaliseUsage } from './usage.js';

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
      'more cached tokens than prompt',
      { prompt_tokens: 10, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 99 } },
      { inputTokens: 0, outputTokens: 1, cachedInputTokens: 10, cachedOutputTokens: 0 },
    ],
    [
      'details that are no object',
      { prompt_tokens: 10, completion_tokens: 1, prompt_tokens_details: null },
      { inputTokens: 10, outputTokens: 1, ...none },
    ],
  ])('reads %s', (_name, raw, expected) => {
    expect(normaliseUsage(raw)).toEqual(expected);
  });

  it.each([
    undefined,
    null,
    'usage',
    [],
    {},
    { prompt_tokens: 10 },
    { completion_tokens: 10 },
    { prompt_tokens: '10', completion_tokens: 5 },
    { prompt_tokens: 10, completion_tokens: -5 },
    { prompt_tokens: 10, completion_tokens: 5.5 },
    { prompt_tokens: 10, completion_tokens: 1e15 },
    { prompt_tokens: Number.NaN, completion_tokens: 5 },
    { prompt_tokens: 0, completion_tokens: 0 },
  ])('takes %j for no usage', (raw) => {
    expect(normaliseUsage(raw)).toBeNull();
  });
});
