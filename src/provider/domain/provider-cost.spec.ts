import { usdMicros } from '../../platform/money/index.js';
import { providerCostOf } from './provider-cost.js';

describe('providerCostOf', () => {
  it('bills every kind of input at the input rate of the endpoint', () => {
    const endpoint = { inputUsdPerMtok: usdMicros(150_000n), outputUsdPerMtok: usdMicros(600_000n) };
    const usage = { inputTokens: 1_000, outputTokens: 500, cachedInputTokens: 1_000, cachedOutputTokens: 0 };
    expect(providerCostOf(usage, endpoint)).toBe(600n);
    const least = { inputTokens: 0, outputTokens: 1, cachedInputTokens: 0, cachedOutputTokens: 0 };
    expect(providerCostOf(least, endpoint)).toBe(1n);
  });
});
