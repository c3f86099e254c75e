import type { PoolEntry } from './pool-entry.js';

export const OPENAI_PROVIDER = 'openai';
export const OPENAI_ADAPTER = 'openai';

const GENERAL = { scenarioTags: ['chat', 'agent'], industryPacks: ['general'] } as const;
const FULL = ['chat', 'tools', 'vision', 'json'] as const;

/** GPT-4.1 takes a million tokens; the three sizes differ in price and ability only. */
const GPT_4_1 = { ...GENERAL, featureTags: FULL, contextWindow: 1_047_576, maxOutputTokens: 32_768, enabled: true };
const GPT_4O = { ...GENERAL, featureTags: FULL, contextWindow: 128_000, maxOutputTokens: 16_384, enabled: true };

/**
 * Reasoning models answer 400 to `temperature` and `max_tokens`, which many clients always send. They are there with their
 * prices, but an operator whose callers do without enables them (`PATCH /admin/v1/models/{id}`).
 */
const GPT_5 = {
  ...GENERAL,
  featureTags: [...FULL, 'reasoning'],
  contextWindow: 400_000,
  maxOutputTokens: 128_000,
  enabled: false,
};

/**
 * List prices of platform.openai.com/docs/pricing, standard processing, USD for a million tokens, as of 21 June 2026. OpenAI does
 * not charge for writing its prompt cache beyond the input price. MCI scores are our own estimates.
 */
export const OPENAI_POOL: readonly PoolEntry[] = [
  {
    ...GPT_4_1,
    modelKey: 'gpt-4.1-nano',
    displayName: 'GPT-4.1 nano',
    tier: 'economy',
    skuTags: ['starter'],
    mciScore: 45,
    description: 'The smallest GPT-4.1: fast and cheap, for classification, extraction and short answers.',
    descriptionZh: '最小的 GPT-4.1：快速且低价，适合分类、抽取与简短回答。',
    listPrice: { input: '0.10', output: '0.40', cacheRead: '0.025', cacheWrite: '0.10' },
  },
  {
    ...GPT_4O,
    modelKey: 'gpt-4o-mini',
    displayName: 'GPT-4o mini',
    tier: 'economy',
    skuTags: ['starter'],
    mciScore: 47,
    description: 'A small multimodal model for everyday text and images.',
    descriptionZh: '适合日常文本与图像的小型多模态模型。',
    listPrice: { input: '0.15', output: '0.60', cacheRead: '0.075', cacheWrite: '0.15' },
  },
  {
    ...GPT_5,
    modelKey: 'gpt-5-nano',
    displayName: 'GPT-5 nano',
    tier: 'economy',
    skuTags: ['starter'],
    mciScore: 55,
    description: 'The smallest GPT-5: reasoning at the lowest price. Refuses temperature and max_tokens.',
    descriptionZh: '最小的 GPT-5：以最低价格提供推理能力。不接受 temperature 与 max_tokens。',
    listPrice: { input: '0.05', output: '0.40', cacheRead: '0.005', cacheWrite: '0.05' },
  },
  {
    ...GPT_4_1,
    modelKey: 'gpt-4.1-mini',
    displayName: 'GPT-4.1 mini',
    tier: 'standard',
    skuTags: ['business'],
    mciScore: 60,
    description: 'The middle GPT-4.1: follows instructions well at a fifth of the price of the large one.',
    descriptionZh: '中型 GPT-4.1：指令遵循出色，价格仅为大型版的五分之一。',
    listPrice: { input: '0.40', output: '1.60', cacheRead: '0.10', cacheWrite: '0.40' },
  },
  {
    ...GPT_5,
    modelKey: 'gpt-5-mini',
    displayName: 'GPT-5 mini',
    tier: 'standard',
    skuTags: ['business'],
    mciScore: 72,
    description: 'The middle GPT-5, for well-defined tasks. Refuses temperature and max_tokens.',
    descriptionZh: '中型 GPT-5，适合定义明确的任务。不接受 temperature 与 max_tokens。',
    listPrice: { input: '0.25', output: '2.00', cacheRead: '0.025', cacheWrite: '0.25' },
  },
  {
    ...GPT_4_1,
    modelKey: 'gpt-4.1',
    displayName: 'GPT-4.1',
    tier: 'premium',
    skuTags: ['enterprise'],
    mciScore: 70,
    description: 'The large GPT-4.1, strong at code, instructions and long documents.',
    descriptionZh: '大型 GPT-4.1，擅长代码、指令遵循与长文档。',
    listPrice: { input: '2.00', output: '8.00', cacheRead: '0.50', cacheWrite: '2.00' },
  },
  {
    ...GPT_4O,
    modelKey: 'gpt-4o',
    displayName: 'GPT-4o',
    tier: 'premium',
    skuTags: ['enterprise'],
    mciScore: 66,
    description: 'A versatile multimodal model for text and images.',
    descriptionZh: '适用于文本与图像的通用多模态模型。',
    listPrice: { input: '2.50', output: '10.00', cacheRead: '1.25', cacheWrite: '2.50' },
  },
  {
    ...GPT_5,
    modelKey: 'gpt-5',
    displayName: 'GPT-5',
    tier: 'premium',
    skuTags: ['enterprise'],
    mciScore: 86,
    description: 'Reasoning for coding and agents. Refuses temperature and max_tokens.',
    descriptionZh: '面向编程与智能体的推理模型。不接受 temperature 与 max_tokens。',
    listPrice: { input: '1.25', output: '10.00', cacheRead: '0.125', cacheWrite: '1.25' },
  },
];
