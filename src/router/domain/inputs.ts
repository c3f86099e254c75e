import { z } from 'zod';
import { MICROS_MAX, type Micros, type UsdMicros } from '../../platform/money/index.js';
import { TIERS } from '../../wallet/index.js';
import { isReservedModelKey, MODEL_KEY_PATTERN } from './model-key.js';

/** What the administration may write. The same schema is the type and the check; amounts are micro-units. */

const TEXT_MAX = 10_000;
const NAME_MAX = 200;
const TAGS_MAX = 200;
const TOKENS_MAX = 100_000_000;
const TIMEOUT_MAX_MS = 7_200_000;
const RETRY_AFTER_MAX_MS = 600_000;

const name = z.string().trim().min(1).max(NAME_MAX);
const text = z.string().max(TEXT_MAX);
const tags = z.array(name).max(TAGS_MAX);
const tokens = z.int().min(1).max(TOKENS_MAX);
const amount = z.bigint().min(0n).max(MICROS_MAX);
const rate = z.custom<Micros>((value) => amount.safeParse(value).success, { error: 'must be an amount of 0 or more' });
const usd = z.custom<UsdMicros>((value) => amount.safeParse(value).success, {
  error: 'must be an amount of 0 or more',
});
const usdAboveZero = z.custom<UsdMicros>((value) => amount.safeParse(value).success && value !== 0n, {
  error: 'must be an amount greater than 0',
});

const modelKey = z
  .string()
  .regex(MODEL_KEY_PATTERN, {
    error: 'must be 1–128 of A–Z a–z 0–9 . _ : / -, begin with a letter or digit and have no segment . or ..',
  })
  .refine((key) => !isReservedModelKey(key), { error: 'auto and auto:… are reserved' });

/** Micro-credits for a million tokens. The first price needs input and output; absent cache rates equal the input rate. */
const rates = z.strictObject({
  inputPerMtok: rate.optional(),
  outputPerMtok: rate.optional(),
  cacheReadPerMtok: rate.optional(),
  cacheWritePerMtok: rate.optional(),
});

export const newModelSchema = z.strictObject({
  modelKey,
  displayName: name.optional(),
  alias: z.string().trim().max(NAME_MAX).optional(),
  tier: z.enum(TIERS),
  tags: tags.optional(),
  featureTags: tags.optional(),
  scenarioTags: tags.optional(),
  skuTags: tags.optional(),
  industryPacks: tags.optional(),
  mciScore: z.number().min(0).max(100).optional(),
  description: text.optional(),
  descriptionZh: text.optional(),
  contextWindow: tokens,
  maxOutputTokens: tokens,
  hiddenOutputMax: z.int().min(0).max(TOKENS_MAX).nullable().optional(),
  customerImageInputMtok: z.string().max(NAME_MAX).optional(),
  customerImageOutputMtok: z.string().max(NAME_MAX).optional(),
  customerImageCachedInputMtok: z.string().max(NAME_MAX).optional(),
  rates: rates.optional(),
  enabled: z.boolean().optional(),
});

export const newPriceSchema = z.strictObject({
  rates,
  effectiveAt: z.date().optional(),
});

export const modelPatchSchema = newModelSchema.partial();

const waitMs = z.int().min(10).max(TIMEOUT_MAX_MS).optional();
const retryAfterMaxWaitMs = z.int().min(0).max(RETRY_AFTER_MAX_MS).optional();

export const newEndpointSchema = z.strictObject({
  providerId: z.uuid(),
  upstreamModel: z.string().trim().min(1).max(NAME_MAX),
  priority: z.int().min(0).max(1_000_000).optional(),
  weight: z.int().min(0).max(1_000_000).optional(),
  timeouts: z
    .strictObject({
      connectMs: waitMs,
      headersMs: waitMs,
      firstEventMs: waitMs,
      firstTokenMs: waitMs,
      idleMs: waitMs,
      totalMs: waitMs,
      retryAfterMaxWaitMs,
    })
    .optional(),
  contextWindow: tokens.nullable().optional(),
  inputUsdPerMtok: usd.optional(),
  outputUsdPerMtok: usd.optional(),
  supportsPrefill: z.boolean().optional(),
  allowedFields: tags.optional(),
  enabled: z.boolean().optional(),
});

export const endpointPatchSchema = newEndpointSchema.partial();

export const newTierRateSchema = z.strictObject({
  name: name.optional(),
  description: text.optional(),
  usdPerCredit: usdAboveZero,
  sortOrder: z.int().min(0).max(1_000).optional(),
});

export type RatesInput = z.input<typeof rates>;
/** Rates that are absent stay as they are when the version comes into force; without a time that is now. */
export type NewPrice = z.input<typeof newPriceSchema>;
/** Absent fields take their defaults. */
export type NewModel = z.input<typeof newModelSchema>;
/** Absent fields stay as they are. */
export type ModelPatch = z.input<typeof modelPatchSchema>;
export type NewEndpoint = z.input<typeof newEndpointSchema>;
export type EndpointPatch = z.input<typeof endpointPatchSchema>;
/** Absent fields stay as in the version before. */
export type NewTierRate = z.input<typeof newTierRateSchema>;

/** `customerInputMtok` → `customer_input_mtok`: the name that callers know. */
export function wireName(path: readonly PropertyKey[]): string {
  return path.map((part) => String(part).replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)).join('.');
}
