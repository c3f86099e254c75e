import { z } from 'zod';
import { formatDecimal } from '../../platform/money/index.js';
import type { NewPrice, Price } from '../../router/index.js';
import { credits, decimalOut, timeIn, timeOut, uuid } from '../http/fields.js';

const rate = credits.describe('Credits for a million tokens; absent: as in the version before.').optional();

export const createPriceSchema = z.strictObject({
  customer_input_mtok: rate,
  customer_output_mtok: rate,
  customer_cacheread_mtok: rate,
  customer_cachewrite_mtok: rate,
  effective_at: timeIn.optional().describe('A time to come from which on the version is in force; absent: now.'),
});
export type CreatePrice = z.output<typeof createPriceSchema>;

export const priceSchema = z
  .object({
    id: uuid,
    model_id: uuid,
    version: z.int().describe('Counts up for each model, in the order in which versions were made.'),
    customer_input_mtok: decimalOut,
    customer_output_mtok: decimalOut,
    customer_cacheread_mtok: decimalOut,
    customer_cachewrite_mtok: decimalOut,
    effective_at: timeOut,
  })
  .meta({ id: 'Price' });
export type PriceView = z.output<typeof priceSchema>;

export const priceListSchema = z.object({ data: z.array(priceSchema), next_cursor: z.null() });
export type PriceListView = z.output<typeof priceListSchema>;

/** The fields of a body as the router takes them. */
export function priceFields(body: CreatePrice): NewPrice {
  return {
    rates: {
      inputPerMtok: body.customer_input_mtok,
      outputPerMtok: body.customer_output_mtok,
      cacheReadPerMtok: body.customer_cacheread_mtok,
      cacheWritePerMtok: body.customer_cachewrite_mtok,
    },
    effectiveAt: body.effective_at,
  };
}

export function priceView(price: Price): PriceView {
  return {
    id: price.id,
    model_id: price.modelId,
    version: price.version,
    customer_input_mtok: formatDecimal(price.inputPerMtok),
    customer_output_mtok: formatDecimal(price.outputPerMtok),
    customer_cacheread_mtok: formatDecimal(price.cacheReadPerMtok),
    customer_cachewrite_mtok: formatDecimal(price.cacheWritePerMtok),
    effective_at: price.effectiveAt.toISOString(),
  };
}
