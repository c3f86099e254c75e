import type { PoolEntry } from './pool-entry.js';

export const GEMINI_PROVIDER = 'gemini';
export const GEMINI_ADAPTER = 'gemini';

const GEMINI = {
  scenarioTags: ['chat', 'agent'],
  industryPacks: ['general'],
  featureTags: ['chat', 'tools', 'vision', 'json', 'reasoning'],
  contextWindow: 1_048_576,
  maxOutputTokens: 65_536,
  enabled: true,
} as const;

/**
 * List prices of ai.google.dev/gemini-api/docs/pricing, paid tier, USD for a million tokens, as of 7 October 2026; what comes from
 * the implicit cache costs a tenth, writing to it nothing beyond the input. 3.8 Flash is listed at its price from 1 January 2027,
 * twice today's; 3.1 Pro costs more above 200,000 prompt tokens: its context ends there. MCI scores are our own estimates.
 */
export const GEMINI_POOL: readonly PoolEntry[] = [
  {
    ...GEMINI,
    modelKey: 'gemini-3.5-flash-lite',
    displayName: 'Gemini 3.5 Flash-Lite',
    tier: 'economy',
    skuTags: ['starter'],
    mciScore: 62,
    description: 'Fast and cheap, for high volumes of text, images and sound.',
    descriptionZh: '快速低价，适合大批量文本、图像与音频。',
    listPrice: { input: '0.30', output: '2.50', cacheRead: '0.03', cacheWrite: '0.30' },
  },
  {
    ...GEMINI,
    modelKey: 'gemini-3.8-flash',
    displayName: 'Gemini 3.8 Flash',
    tier: 'standard',
    skuTags: ['business'],
    mciScore: 78,
    description: 'A thinking model for everyday work, with a million tokens of context.',
    descriptionZh: '适合日常工作的思考模型，上下文达百万词元。',
    listPrice: { input: '1.50', output: '7.50', cacheRead: '0.15', cacheWrite: '1.50' },
  },
  {
    ...GEMINI,
    modelKey: 'gemini-3.1-pro-preview',
    displayName: 'Gemini 3.1 Pro (preview)',
    tier: 'premium',
    skuTags: ['enterprise'],
    mciScore: 84,
    contextWindow: 200_000,
    description: 'For hard reasoning over text, images, sound and video.',
    descriptionZh: '面向文本、图像、音频与视频的高难度推理。',
    listPrice: { input: '2.00', output: '12.00', cacheRead: '0.20', cacheWrite: '2.00' },
  },
];
