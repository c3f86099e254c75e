import type { PoolEntry } from './pool-entry.js';

/** Name of the built-in provider, and the folder of its adapter. */
export const SANDBOX_PROVIDER = 'sandbox';
export const SANDBOX_ADAPTER = 'sandbox';
/** It is reached by no network. */
export const SANDBOX_BASE_URL = 'sandbox:';

const TEXT = 'A deterministic stand-in of the built-in sandbox: no model thinks here, every answer is made by rule.';
const TEXT_ZH = '内置沙盒的确定性替身：没有真正的模型，所有回答均按规则生成。';

/** Two models a tier, with differing abilities, so that routing has something to choose from before a vendor is configured. */
export const SANDBOX_POOL: readonly PoolEntry[] = [
  {
    ...common('sandbox/lite', 'Sandbox Lite', 38),
    tier: 'economy',
    featureTags: ['chat', 'json'],
    scenarioTags: ['chat', 'summary'],
    skuTags: ['starter'],
    industryPacks: ['general'],
    contextWindow: 32_768,
    maxOutputTokens: 4_096,
    listPrice: { input: '0.05', output: '0.20', cacheRead: '0.0125', cacheWrite: '0.0625' },
  },
  {
    ...common('sandbox/mini', 'Sandbox Mini', 46),
    tier: 'economy',
    featureTags: ['chat', 'tools', 'json'],
    scenarioTags: ['chat', 'agent'],
    skuTags: ['starter'],
    industryPacks: ['general', 'retail'],
    contextWindow: 131_072,
    maxOutputTokens: 16_384,
    listPrice: { input: '0.10', output: '0.40', cacheRead: '0.025', cacheWrite: '0.125' },
  },
  {
    ...common('sandbox/base', 'Sandbox Base', 58),
    tier: 'standard',
    featureTags: ['chat', 'tools', 'json'],
    scenarioTags: ['chat', 'agent', 'coding'],
    skuTags: ['business'],
    industryPacks: ['general', 'software'],
    contextWindow: 131_072,
    maxOutputTokens: 16_384,
    listPrice: { input: '0.40', output: '1.60', cacheRead: '0.10', cacheWrite: '0.50' },
  },
  {
    ...common('sandbox/vision', 'Sandbox Vision', 60),
    tier: 'standard',
    featureTags: ['chat', 'tools', 'vision', 'json'],
    scenarioTags: ['chat', 'document'],
    skuTags: ['business'],
    industryPacks: ['general', 'health'],
    contextWindow: 131_072,
    maxOutputTokens: 16_384,
    listPrice: { input: '0.50', output: '2.00', cacheRead: '0.125', cacheWrite: '0.625' },
  },
  {
    ...common('sandbox/pro', 'Sandbox Pro', 74),
    tier: 'premium',
    featureTags: ['chat', 'tools', 'vision', 'json'],
    scenarioTags: ['agent', 'coding', 'analysis'],
    skuTags: ['enterprise'],
    industryPacks: ['general', 'finance', 'software'],
    contextWindow: 204_800,
    maxOutputTokens: 32_768,
    listPrice: { input: '2.50', output: '10.00', cacheRead: '0.25', cacheWrite: '3.125' },
  },
  {
    ...common('sandbox/max', 'Sandbox Max', 82),
    tier: 'premium',
    featureTags: ['chat', 'tools', 'vision', 'json'],
    scenarioTags: ['analysis', 'research'],
    skuTags: ['enterprise'],
    industryPacks: ['general', 'finance', 'legal'],
    contextWindow: 1_048_576,
    maxOutputTokens: 65_536,
    listPrice: { input: '5.00', output: '20.00', cacheRead: '0.50', cacheWrite: '6.25' },
  },
];

function common(modelKey: string, displayName: string, mciScore: number) {
  return {
    modelKey,
    displayName,
    mciScore,
    description: TEXT,
    descriptionZh: TEXT_ZH,
    hiddenOutputMax: 0,
    enabled: true,
  };
}
