import { usdMicros } from '../../platform/money/index.js';
import { TIERS } from '../../wallet/index.js';
import { ANTHROPIC_POOL } from './anthropic-pool.js';
import { GEMINI_POOL } from './gemini-pool.js';
import { OPENAI_POOL } from './openai-pool.js';
import { customerRate, newEndpointOf, newModelOf } from './pool-entry.js';
import { SANDBOX_POOL } from './sandbox-pool.js';

const ALL = [...SANDBOX_POOL, ...OPENAI_POOL, ...ANTHROPIC_POOL, ...GEMINI_POOL];
const CREDIT_USD = usdMicros(1_000);

describe('models of the seed', () => {
  it('cost the list price and a fifth, in credits, rounded up', () => {
    expect(customerRate(usdMicros(400_000), CREDIT_USD)).toBe(480_000_000n);
    expect(customerRate(usdMicros(1), usdMicros(2_500))).toBe(480n);
    expect(customerRate(usdMicros(1), usdMicros(7))).toBe(171_429n);
    expect(customerRate(usdMicros(0), CREDIT_USD)).toBe(0n);
  });

  it('the sandbox has two enabled models in each tier, and one that sees and calls tools', () => {
    for (const tier of TIERS) {
      const models = SANDBOX_POOL.filter((entry) => entry.tier === tier && entry.enabled);
      expect(models.length).toBeGreaterThanOrEqual(2);
    }
    expect(
      SANDBOX_POOL.some(({ featureTags }) => ['tools', 'vision', 'json'].every((tag) => featureTags.includes(tag))),
    ).toBe(true);
  });

  it.each([
    ['OpenAI', OPENAI_POOL],
    ['Anthropic', ANTHROPIC_POOL],
    ['Gemini', GEMINI_POOL],
  ])('%s has an enabled model in each tier', (_vendor, pool) => {
    const tiers = pool.filter(({ enabled }) => enabled).map(({ tier }) => tier);
    expect([...new Set(tiers)].sort()).toEqual([...TIERS].sort());
  });

  it.each(ALL)('$modelKey charges more than it costs and reads its cache for less', (entry) => {
    const { rates } = newModelOf(entry, CREDIT_USD);
    const { inputUsdPerMtok } = newEndpointOf(entry, 'provider');
    const chargedUsd = ((rates?.inputPerMtok ?? 0n) * CREDIT_USD) / 1_000_000n;
    expect(chargedUsd > (inputUsdPerMtok ?? 0n)).toBe(true);
    expect((rates?.cacheReadPerMtok ?? 0n) < (rates?.inputPerMtok ?? 0n)).toBe(true);
    expect((rates?.outputPerMtok ?? 0n) > (rates?.inputPerMtok ?? 0n)).toBe(true);
    expect(entry.maxOutputTokens).toBeLessThan(entry.contextWindow);
  });

  it('have keys of their own', () => {
    const keys = ALL.map(({ modelKey }) => modelKey);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
