import type { PoolEntry } from './pool-entry.js';

export const ANTHROPIC_PROVIDER = 'anthropic';
export const ANTHROPIC_ADAPTER = 'anthropic';

const CLAUDE = {
  scenarioTags: ['chat', 'agent'],
  industryPacks: ['general'],
  featureTags: ['chat', 'tools', 'vision', 'json', 'reasoning'],
  contextWindow: 200_000,
  maxOutputTokens: 64_000,
  enabled: true,
} as const;

/**
 * List prices of platform.claude.com/docs/en/about-claude/pricing, USD for a million tokens, as of 24 October 2026; writing to the
 * cache for five minutes. Haiku 5.5 costs five times as much above 100,000 prompt tokens: its context ends there. MCI scores are
 * our own estimates.
 */
export const ANTHROPIC_POOL: readonly PoolEntry[] = [
  {
    ...CLAUDE,
    modelKey: 'claude-haiku-5-5',
    displayName: 'Claude Haiku 5.5',
    tier: 'economy',
    skuTags: ['starter'],
    mciScore: 66,
    contextWindow: 100_000,
    maxOutputTokens: 32_000,
    description: 'The smallest Claude: fast and very cheap, for prompts of up to 100,000 tokens.',
    descriptionZh: '最小的 Claude：快速且极低价，适用于 10 万词元以内的提示。',
    listPrice: { input: '0.10', output: '0.50', cacheRead: '0.01', cacheWrite: '0.125' },
  },
  {
    ...CLAUDE,
    modelKey: 'claude-haiku-4-5',
    displayName: 'Claude Haiku 4.5',
    tier: 'standard',
    skuTags: ['business'],
    mciScore: 68,
    description: 'A fast model with the judgement of larger ones.',
    descriptionZh: '速度快，判断力接近大型模型。',
    listPrice: { input: '1.00', output: '5.00', cacheRead: '0.10', cacheWrite: '1.25' },
  },
  {
    ...CLAUDE,
    modelKey: 'claude-sonnet-5-5',
    displayName: 'Claude Sonnet 5.5',
    tier: 'premium',
    skuTags: ['enterprise'],
    mciScore: 86,
    description: 'For agents and code, with long attention.',
    descriptionZh: '面向智能体与编程，能长时间保持专注。',
    listPrice: { input: '2.00', output: '10.00', cacheRead: '0.10', cacheWrite: '2.50' },
  },
  {
    ...CLAUDE,
    modelKey: 'claude-opus-4-8',
    displayName: 'Claude Opus 4.8',
    tier: 'premium',
    skuTags: ['enterprise'],
    mciScore: 89,
    description: 'For the hardest problems.',
    descriptionZh: '应对最难的问题。',
    listPrice: { input: '5.00', output: '25.00', cacheRead: '0.50', cacheWrite: '6.25' },
  },
];
