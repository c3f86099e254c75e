import { micros, type Micros, type UsdMicros } from '../../platform/money/index.js';
import type { PriceEntry } from './pool-file.schema.js';

/** What customers pay over the list price where nothing else is said. */
export const MARKUP_PERCENT_DEFAULT = 20;

const MICROS_A_CREDIT = 1_000_000n;

/** Rates as the administration takes them. */
export interface CustomerRates {
  customer_input_mtok: Micros;
  customer_output_mtok: Micros;
  customer_cacheread_mtok: Micros;
  customer_cachewrite_mtok: Micros;
}

/** Micro-credits for a million tokens: list price × (100 + markup) % ÷ USD a credit of the tier, up to the next micro-credit. */
export function creditRate(listUsd: UsdMicros, usdPerCredit: UsdMicros, markupPercent: number): Micros {
  const numerator = listUsd * BigInt(100 + markupPercent) * MICROS_A_CREDIT;
  const denominator = usdPerCredit * 100n;
  return micros((numerator + denominator - 1n) / denominator);
}

/** What customers pay under a price: its own rates where it names them, else its list prices in credits of the tier. */
export function customerRates(price: PriceEntry, usdPerCredit: UsdMicros, markupPercent: number): CustomerRates {
  const markup = price.markup_percent ?? markupPercent;
  const inCredits = (listUsd: UsdMicros): Micros => creditRate(listUsd, usdPerCredit, markup);
  const input = price.customer_input_mtok ?? inCredits(price.input_usd_mtok);
  // An unknown cache rate is never free: it costs what input costs.
  const cacheRate = (own: Micros | undefined, listUsd: UsdMicros | undefined): Micros =>
    own ?? (listUsd === undefined ? input : inCredits(listUsd));
  return {
    customer_input_mtok: input,
    customer_output_mtok: price.customer_output_mtok ?? inCredits(price.output_usd_mtok),
    customer_cacheread_mtok: cacheRate(price.customer_cacheread_mtok, price.cacheread_usd_mtok),
    customer_cachewrite_mtok: cacheRate(price.customer_cachewrite_mtok, price.cachewrite_usd_mtok),
  };
}
