import { callerUsageOf } from './caller-usage.js';

const USAGE = { inputTokens: 5, outputTokens: 20, cachedInputTokens: 10_000, cachedOutputTokens: 0 };
const TOLD = { prompt_tokens: 10_005, completion_tokens: 20, total_tokens: 10_025, cost: 0.5 };

describe('callerUsageOf', () => {
  it('says what is billed, whatever convention the provider counts by', () => {
    const reported = { prompt_tokens: 5, completion_tokens: 20, total_tokens: 10_025, cache_read_input_tokens: 10_000 };
    expect(callerUsageOf({ usage: USAGE, usageSource: 'provider' }, reported, 0.5)).toEqual({
      ...TOLD,
      cache_read_input_tokens: 10_000,
      prompt_tokens_details: { cached_tokens: 10_000 },
    });
  });

  it('keeps the details of a provider, but not its price nor other words for the same', () => {
    const reported = {
      ...TOLD,
      cost: 0.01,
      cost_details: { upstream_inference_cost: 0.01 },
      cost_in_usd_ticks: 1,
      input_tokens: 5,
      promptTokenCount: 5,
      queue_time: 0.01,
      prompt_tokens_details: { cached_tokens: 10_000, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 12 },
    };
    expect(callerUsageOf({ usage: USAGE, usageSource: 'provider' }, reported, 0.5)).toEqual({
      ...TOLD,
      queue_time: 0.01,
      prompt_tokens_details: { cached_tokens: 10_000, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 12 },
    });
  });

  it('says nothing of the provider where the gateway has counted', () => {
    const usage = { inputTokens: 9, outputTokens: 3, cachedInputTokens: 0, cachedOutputTokens: 4 };
    expect(callerUsageOf({ usage, usageSource: 'estimated' }, { ...TOLD, queue_time: 1 }, 0.1)).toEqual({
      prompt_tokens: 13,
      completion_tokens: 3,
      total_tokens: 16,
      prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 4 },
      cost: 0.1,
    });
  });
});
