import { z } from 'zod';
import { formatDecimal } from '../../platform/money/index.js';
import { isReservedModelKey, MODEL_KEY_PATTERN, type ModelPatch, type ModelRecord } from '../../router/index.js';
import { credits, decimalOut, labels, name, patchOf, plainText, text, tier, timeOut, uuid } from '../http/fields.js';
import { pageQuery } from '../http/pagination.js';

const TOKENS_MAX = 100_000_000;
const MCI_SCORE_MAX = 100;

const tokens = z.int().min(1).max(TOKENS_MAX);
const rate = credits.describe('Credits for a million tokens.');
const imageRate = z
  .string()
  .max(40)
  .regex(/^(\d{1,9}(\.\d{1,6})?)?$/, { error: 'must be a decimal or empty' });

const modelKey = z
  .string()
  .regex(MODEL_KEY_PATTERN, {
    error: 'must be 1–128 of A–Z a–z 0–9 . _ : / -, begin with a letter or digit and have no segment . or ..',
  })
  .refine((key) => !isReservedModelKey(key), { error: 'auto and auto:… are reserved' })
  .describe('What callers name; unique.');

const required = {
  model_key: modelKey,
  display_name: name,
  tier,
  context_window: tokens,
  max_output_tokens: tokens,
};

const optional = {
  alias: plainText(200),
  tags: labels,
  feature_tags: labels.describe('What it can do: `chat`, `tools`, `vision`, `json_schema`, …'),
  scenario_tags: labels,
  sku_tags: labels,
  industry_packs: labels,
  mci_score: z.number().min(0).max(MCI_SCORE_MAX),
  description: text,
  description_zh: text,
  hidden_output_max: z
    .int()
    .min(0)
    .max(TOKENS_MAX)
    .nullable()
    .describe(
      'Output tokens of one choice that it may write without showing them (hidden thoughts); the freeze covers them. 0: it shows everything. `null`: learned from usage.',
    ),
  customer_input_mtok: rate,
  customer_output_mtok: rate,
  customer_cacheread_mtok: rate,
  customer_cachewrite_mtok: rate,
  customer_image_input_mtok: imageRate,
  customer_image_output_mtok: imageRate,
  customer_image_cached_input_mtok: imageRate,
  enabled: z.boolean().describe('Only a model with a price can be enabled.'),
};

export const createModelSchema = z.strictObject({ ...required, ...z.object(optional).partial().shape });
export type CreateModel = z.output<typeof createModelSchema>;

export const patchModelSchema = patchOf({ ...required, ...optional });
export type PatchModel = z.output<typeof patchModelSchema>;

export const modelQuerySchema = z.strictObject({
  ...pageQuery,
  tier: tier.optional(),
  enabled: z.stringbool({ truthy: ['true'], falsy: ['false'] }).optional(),
});
export type ModelQuery = z.output<typeof modelQuerySchema>;

export const modelSchema = z
  .object({
    id: uuid,
    model_key: z.string(),
    display_name: z.string(),
    alias: z.string(),
    tier,
    tags: z.array(z.string()),
    feature_tags: z.array(z.string()),
    scenario_tags: z.array(z.string()),
    sku_tags: z.array(z.string()),
    industry_packs: z.array(z.string()),
    mci_score: z.number(),
    description: z.string(),
    description_zh: z.string(),
    context_window: z.int(),
    max_output_tokens: z.int(),
    hidden_output_max: z.int().nullable(),
    hidden_output_seen: z
      .int()
      .describe('The largest hidden part of an answer so far; counts while `hidden_output_max` is `null`.'),
    customer_input_mtok: decimalOut.nullable(),
    customer_output_mtok: decimalOut.nullable(),
    customer_cacheread_mtok: decimalOut.nullable(),
    customer_cachewrite_mtok: decimalOut.nullable(),
    customer_image_input_mtok: z.string(),
    customer_image_output_mtok: z.string(),
    customer_image_cached_input_mtok: z.string(),
    price_version: z.int().nullable().describe('Rates are immutable; a change makes the next version.'),
    enabled: z.boolean(),
    created_at: timeOut,
    updated_at: timeOut,
  })
  .meta({ id: 'Model' });
export type ModelView = z.output<typeof modelSchema>;

/** The fields of a body as the router takes them. */
export function modelFields(
  body: PatchModel,
): Omit<ModelPatch, 'modelKey' | 'tier' | 'contextWindow' | 'maxOutputTokens'> {
  return {
    displayName: body.display_name,
    alias: body.alias,
    tags: body.tags,
    featureTags: body.feature_tags,
    scenarioTags: body.scenario_tags,
    skuTags: body.sku_tags,
    industryPacks: body.industry_packs,
    mciScore: body.mci_score,
    description: body.description,
    descriptionZh: body.description_zh,
    hiddenOutputMax: body.hidden_output_max,
    customerImageInputMtok: body.customer_image_input_mtok,
    customerImageOutputMtok: body.customer_image_output_mtok,
    customerImageCachedInputMtok: body.customer_image_cached_input_mtok,
    rates: {
      inputPerMtok: body.customer_input_mtok,
      outputPerMtok: body.customer_output_mtok,
      cacheReadPerMtok: body.customer_cacheread_mtok,
      cacheWritePerMtok: body.customer_cachewrite_mtok,
    },
    enabled: body.enabled,
  };
}

export function modelView(model: ModelRecord): ModelView {
  return {
    id: model.id,
    model_key: model.modelKey,
    display_name: model.displayName,
    alias: model.alias,
    tier: model.tier,
    tags: [...model.tags],
    feature_tags: [...model.featureTags],
    scenario_tags: [...model.scenarioTags],
    sku_tags: [...model.skuTags],
    industry_packs: [...model.industryPacks],
    mci_score: model.mciScore,
    description: model.description,
    description_zh: model.descriptionZh,
    context_window: model.contextWindow,
    max_output_tokens: model.maxOutputTokens,
    hidden_output_max: model.hiddenOutputMax,
    hidden_output_seen: model.hiddenOutputSeen,
    ...rateFields(model),
    customer_image_input_mtok: model.customerImageInputMtok,
    customer_image_output_mtok: model.customerImageOutputMtok,
    customer_image_cached_input_mtok: model.customerImageCachedInputMtok,
    price_version: model.price?.version ?? null,
    enabled: model.enabled,
    created_at: model.createdAt.toISOString(),
    updated_at: model.updatedAt.toISOString(),
  };
}

type RateField =
  'customer_input_mtok' | 'customer_output_mtok' | 'customer_cacheread_mtok' | 'customer_cachewrite_mtok';

function rateFields({ price }: ModelRecord): Pick<ModelView, RateField> {
  return {
    customer_input_mtok: price === null ? null : formatDecimal(price.inputPerMtok),
    customer_output_mtok: price === null ? null : formatDecimal(price.outputPerMtok),
    customer_cacheread_mtok: price === null ? null : formatDecimal(price.cacheReadPerMtok),
    customer_cachewrite_mtok: price === null ? null : formatDecimal(price.cacheWritePerMtok),
  };
}
