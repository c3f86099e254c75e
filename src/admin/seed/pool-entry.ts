import type { NewEndpoint, NewModel } from '../../router/index.js';
import { micros, parseDecimal, usdMicros, type Micros, type UsdMicros } from '../../platform/money/index.js';
import type { Tier } from '../../wallet/index.js';

/** List price of a vendor in USD for a million tokens, as decimal text. */
export interface ListPrice {
  input: string;
  output: string;
  cacheRead: string;
  cacheWrite: string;
}

/** A model as the data files of this folder describe it. */
export interface PoolEntry {
  modelKey: string;
  displayName: string;
  tier: Tier;
  featureTags: readonly string[];
  scenarioTags: readonly string[];
  skuTags: readonly string[];
  industryPacks: readonly string[];
  /** Our estimate of general ability, 0–100. */
  mciScore: number;
  contextWindow: number;
  maxOutputTokens: number;
  /** Absent: learned from usage. */
  hiddenOutputMax?: number;
  description: string;
  descriptionZh: string;
  listPrice: ListPrice;
  enabled: boolean;
}

/** What customers pay over the list price: 20 %. */
const MARKUP_PERCENT = 120n;

/** The model to create: customer rates are the list price with the markup, in credits of its tier, rounded up. */
export function newModelOf(entry: PoolEntry, usdPerCredit: UsdMicros): NewModel {
  const { listPrice, featureTags, scenarioTags, skuTags, industryPacks, ...fields } = entry;
  const rate = (usd: string): Micros => customerRate(usdOf(usd), usdPerCredit);
  return {
    ...fields,
    featureTags: [...featureTags],
    scenarioTags: [...scenarioTags],
    skuTags: [...skuTags],
    industryPacks: [...industryPacks],
    rates: {
      inputPerMtok: rate(listPrice.input),
      outputPerMtok: rate(listPrice.output),
      cacheReadPerMtok: rate(listPrice.cacheRead),
      cacheWritePerMtok: rate(listPrice.cacheWrite),
    },
  };
}

/** The place to call it at, with what the vendor charges us. */
export function newEndpointOf(entry: PoolEntry, providerId: string): NewEndpoint {
  return {
    providerId,
    upstreamModel: entry.modelKey,
    priority: 1,
    weight: 1,
    inputUsdPerMtok: usdOf(entry.listPrice.input),
    outputUsdPerMtok: usdOf(entry.listPrice.output),
  };
}

/** Micro-credits for a million tokens: price × 1.2 ÷ USD a credit, up to the next micro-credit. */
export function customerRate(listUsd: UsdMicros, usdPerCredit: UsdMicros): Micros {
  const numerator = listUsd * MARKUP_PERCENT * 1_000_000n;
  const denominator = usdPerCredit * 100n;
  return micros((numerator + denominator - 1n) / denominator);
}

function usdOf(text: string): UsdMicros {
  const value = parseDecimal(text);
  if (value === null) throw new Error(`not an amount: ${text}`);
  return usdMicros(value);
}
