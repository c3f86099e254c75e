import { z } from 'zod';
import { text, timeIn, usd } from '../http/fields.js';
import { createEndpointSchema } from '../models/endpoints.schema.js';
import { createModelSchema } from '../models/models.schema.js';
import { createPriceSchema } from '../models/prices.schema.js';
import { createPolicySchema } from '../policies/policies.schema.js';
import { createProviderSchema } from '../providers/providers.schema.js';

/** What a pool file may say: the bodies of the administration, with names where those have ids. */

const PERCENT_MAX = 1_000;
const PROVIDERS_MAX = 500;
const MODELS_MAX = 5_000;
const POLICIES_MAX = 1_000;
const ENDPOINTS_MAX = 50;
const PRICES_MAX = 20;

const percent = z.int().min(0).max(PERCENT_MAX);

/** The only way to name a secret. */
export const SECRET_REFERENCE = /^\$\{([A-Z_][A-Z0-9_]*)\}$/;

const providerEntry = createProviderSchema.omit({ api_key: true, enabled: true }).extend({
  api_key: z
    .string()
    .regex(SECRET_REFERENCE, {
      error: 'must be a reference such as ${OPENAI_API_KEY}: no secret is written in the file',
    })
    .optional(),
  enabled: z.union([z.boolean(), z.literal('if_key')]).default(true),
});

const { effective_at: _effectiveAt, ...customerRates } = createPriceSchema.shape;

const priceEntry = z.strictObject({
  input_usd_mtok: usd,
  output_usd_mtok: usd,
  cacheread_usd_mtok: usd.optional(),
  cachewrite_usd_mtok: usd.optional(),
  ...customerRates,
  markup_percent: percent.optional(),
  source: text.trim().min(1).optional(),
  as_of: z.iso.date().optional(),
  effective_at: timeIn.optional(),
});

const endpointEntry = createEndpointSchema
  .omit({ provider_id: true, enabled: true })
  .extend({ provider: createProviderSchema.shape.name, enabled: z.boolean().default(true) });

const modelEntry = createModelSchema
  .omit({
    customer_input_mtok: true,
    customer_output_mtok: true,
    customer_cacheread_mtok: true,
    customer_cachewrite_mtok: true,
    enabled: true,
  })
  .extend({
    enabled: z.boolean().default(true),
    prices: z.array(priceEntry).max(PRICES_MAX).nullish(),
    endpoints: z.array(endpointEntry).max(ENDPOINTS_MAX).nullish(),
  });

export const poolFileSchema = z.strictObject({
  version: z.literal(1, { error: 'must be 1, the version of this format' }),
  markup_percent: percent.optional(),
  providers: z.array(providerEntry).max(PROVIDERS_MAX).nullish(),
  models: z.array(modelEntry).max(MODELS_MAX).nullish(),
  policies: z.array(createPolicySchema).max(POLICIES_MAX).nullish(),
});

export type PoolFile = z.output<typeof poolFileSchema>;
export type ProviderEntry = z.output<typeof providerEntry>;
export type ModelEntry = z.output<typeof modelEntry>;
export type EndpointEntry = z.output<typeof endpointEntry>;
export type PriceEntry = z.output<typeof priceEntry>;
export type PolicyEntry = z.output<typeof createPolicySchema>;
