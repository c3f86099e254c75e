import { z } from 'zod';
import { formatDecimal } from '../../platform/money/index.js';
import type { TierRate } from '../../router/index.js';
import { decimalOut, name, text, tier, timeOut, usdPositive } from '../http/fields.js';

const SORT_ORDER_MAX = 1_000;

export const newTierRateSchema = z.strictObject({
  usd_per_credit: usdPositive,
  name: name.optional(),
  description: text.optional(),
  sort_order: z.int().min(0).max(SORT_ORDER_MAX).optional(),
});
export type NewTierRate = z.output<typeof newTierRateSchema>;

export const tierRateSchema = z
  .object({
    tier,
    version: z.int(),
    name: z.string(),
    description: z.string(),
    usd_per_credit: decimalOut,
    sort_order: z.int(),
    created_at: timeOut,
  })
  .meta({ id: 'TierRate' });
export type TierRateView = z.output<typeof tierRateSchema>;

export const tierRateListSchema = z.object({ data: z.array(tierRateSchema), next_cursor: z.null() });
export type TierRateListView = z.output<typeof tierRateListSchema>;

export function tierRateView(rate: TierRate): TierRateView {
  return {
    tier: rate.tier,
    version: rate.version,
    name: rate.name,
    description: rate.description,
    usd_per_credit: formatDecimal(rate.usdPerCredit),
    sort_order: rate.sortOrder,
    created_at: rate.createdAt.toISOString(),
  };
}
