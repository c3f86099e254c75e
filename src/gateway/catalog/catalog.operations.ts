import { z } from 'zod';
import type { OperationSpec } from '../../platform/openapi/index.js';
import { TIERS } from '../../wallet/index.js';
import { LOCALES } from './catalog-view.js';

/** What the API document says about the catalogue. Every field also comes in snake_case. */

const TAG = 'Catalogue';

const choice = z.object({ value: z.string(), label: z.string() }).meta({ id: 'Choice' });
const rate = z.number().describe('Credits for a million tokens.');

const model = z
  .looseObject({
    modelId: z.string(),
    modelKey: z.string(),
    displayName: z.string(),
    alias: z.string(),
    tier: z.enum(TIERS),
    provider: z.string(),
    tags: z.array(z.string()),
    featureTags: z.array(z.string()),
    scenarioTags: z.array(z.string()),
    mciScore: z.number(),
    description: z.string(),
    customerInputMtok: rate,
    customerOutputMtok: rate,
    customerCachereadMtok: rate,
    customerCachewriteMtok: rate,
    customerImageInputMtok: z.string(),
    customerImageOutputMtok: z.string(),
    customerImageCachedInputMtok: z.string(),
  })
  .meta({ id: 'CatalogModel' });

const tierPrice = z
  .looseObject({
    code: z.enum(TIERS),
    name: z.string(),
    description: z.string(),
    usdPerCredit: z.string(),
    creditsPerUsd: z.string(),
    unit: z.literal('USD/Credit'),
    rateVersion: z.string(),
    sortOrder: z.int(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'TierPrice' });

const sku = z
  .object({ code: z.string(), name: z.string(), description: z.string().describe('Empty: SKUs are only named here.') })
  .meta({ id: 'Sku' });

const openAiModel = z
  .object({ id: z.string(), object: z.literal('model'), created: z.int(), owned_by: z.string() })
  .meta({ id: 'OpenAiModel' });

const envelopeOf = (data: z.ZodType): z.ZodType =>
  z.object({ code: z.literal(0), message: z.literal('success'), data });

const filters = z.object({
  tier: z.string().optional(),
  provider: z.string().optional(),
  feature_tag: z.string().optional(),
  pack: z.string().optional().describe('A SKU tag or a scenario tag.'),
  industry_packs: z.array(z.string()).optional().describe('May be repeated.'),
  locale: z.enum(LOCALES).optional(),
});

export const LIST_CATALOG: OperationSpec = {
  summary: 'List the models that can be called',
  description: 'Open to everyone, also to browsers of other sites.',
  tag: TAG,
  query: filters,
  response: envelopeOf(z.object({ models: z.array(model) })),
};

export const CATALOG_META: OperationSpec = {
  summary: 'What the filters of the catalogue can be set to',
  tag: TAG,
  query: z.object({ locale: z.enum(LOCALES).optional() }),
  response: envelopeOf(
    z.looseObject({
      tiers: z.array(choice),
      skus: z.array(choice),
      featureTags: z.array(choice),
      industryPacks: z.array(choice),
      providers: z.array(choice),
      updatedAt: z.iso.datetime(),
    }),
  ),
};

export const PRICING: OperationSpec = {
  summary: 'What credits cost',
  tag: TAG,
  response: envelopeOf(
    z.looseObject({
      tiers: z.array(tierPrice),
      skus: z.array(sku),
      currentVersion: z.string(),
      updatedAt: z.iso.datetime(),
    }),
  ),
};

export const LIST_CALLABLE_MODELS: OperationSpec = {
  summary: 'List what the key may call, as OpenAI does',
  tag: TAG,
  response: z.object({ object: z.literal('list'), data: z.array(openAiModel) }),
};

export const READ_CALLABLE_MODEL: OperationSpec = {
  summary: 'Read one model that the key may call',
  description: 'A `model_key` may hold slashes.',
  tag: TAG,
  response: openAiModel,
};
