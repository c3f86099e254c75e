import { formatDecimal, type Micros } from '../../platform/money/index.js';
import type { Catalog, Model, TierRate } from '../../router/index.js';
import { TIERS, type Tier } from '../../wallet/index.js';

export const LOCALES = ['en', 'zh'] as const;
export type Locale = (typeof LOCALES)[number];

export interface Choice {
  value: string;
  label: string;
}

const TIER_LABELS: Readonly<Record<Locale, Readonly<Record<Tier, string>>>> = {
  en: { economy: 'Economy', standard: 'Standard', premium: 'Premium' },
  zh: { economy: '经济', standard: '标准', premium: '高级' },
};

const MICRO_USD_TIMES_CREDITS = 1_000_000_000_000n;

/**
 * One model as the catalogue shows it: in camelCase as the published clients read it, and in snake_case as the
 * published pages name it. Rates are credits for a million tokens.
 */
export function modelView(model: Model, locale: Locale): Record<string, unknown> {
  return withSnakeCase({
    modelId: model.id,
    modelKey: model.modelKey,
    displayName: model.displayName,
    alias: model.alias,
    tier: model.tier,
    provider: providerOf(model),
    tags: model.tags,
    featureTags: model.featureTags,
    scenarioTags: model.scenarioTags,
    skuTags: model.skuTags,
    industryPacks: model.industryPacks,
    mciScore: model.mciScore,
    description: locale === 'zh' && model.descriptionZh !== '' ? model.descriptionZh : model.description,
    contextWindow: model.contextWindow,
    maxOutputTokens: model.maxOutputTokens,
    customerInputMtok: creditsOf(model.price?.inputPerMtok),
    customerOutputMtok: creditsOf(model.price?.outputPerMtok),
    customerCachereadMtok: creditsOf(model.price?.cacheReadPerMtok),
    customerCachewriteMtok: creditsOf(model.price?.cacheWritePerMtok),
    customerImageInputMtok: model.customerImageInputMtok,
    customerImageOutputMtok: model.customerImageOutputMtok,
    customerImageCachedInputMtok: model.customerImageCachedInputMtok,
  });
}

/** The provider that is tried first; empty while the model has no endpoint. */
export function providerOf(model: Model): string {
  const first = model.endpoints.find((endpoint) => endpoint.enabled) ?? model.endpoints[0];
  return first?.providerName ?? '';
}

/** What the filters of the catalogue can be set to. */
export function metaView(catalog: Catalog, locale: Locale): Record<string, unknown> {
  const { models } = catalog;
  return withSnakeCase({
    tiers: TIERS.map((tier) => ({ value: tier, label: TIER_LABELS[locale][tier] })),
    skus: skusOf(catalog),
    featureTags: choicesOf(models.flatMap((model) => model.featureTags)),
    industryPacks: choicesOf(models.flatMap((model) => model.industryPacks)),
    providers: choicesOf(models.map(providerOf)),
    updatedAt: catalog.updatedAt.toISOString(),
  });
}

/** What credits cost. Published clients decode these types: every value is a string, but for `sortOrder`. */
export function pricingView(catalog: Catalog): Record<string, unknown> {
  const latest = catalog.tierRates.reduce((version, rate) => Math.max(version, rate.version), 0);
  return withSnakeCase({
    tiers: catalog.tierRates.map(tierView),
    skus: skusOf(catalog).map(({ value, label }) => ({ code: value, name: label, description: '' })),
    currentVersion: String(latest),
    updatedAt: catalog.updatedAt.toISOString(),
  });
}

function tierView(rate: TierRate): Record<string, unknown> {
  return withSnakeCase({
    code: rate.tier,
    name: rate.name,
    description: rate.description,
    usdPerCredit: formatDecimal(rate.usdPerCredit),
    creditsPerUsd: formatDecimal(MICRO_USD_TIMES_CREDITS / rate.usdPerCredit),
    unit: 'USD/Credit',
    rateVersion: String(rate.version),
    sortOrder: rate.sortOrder,
    updatedAt: rate.createdAt.toISOString(),
  });
}

function skusOf(catalog: Catalog): Choice[] {
  return choicesOf(catalog.models.flatMap((model) => model.skuTags));
}

function choicesOf(values: readonly string[]): Choice[] {
  const distinct = new Set(values.filter((value) => value !== ''));
  return [...distinct].sort().map((value) => ({ value, label: labelOf(value) }));
}

/** `long_context` → `Long context`; a name that has capitals or digits of its own stays as it is. */
function labelOf(value: string): string {
  const words = value.replaceAll('_', ' ');
  return /^[a-z ]+$/.test(words) ? words.charAt(0).toUpperCase() + words.slice(1) : value;
}

/** A JSON number; rates have at most six places, so it is the exact decimal that is written. */
function creditsOf(rate: Micros | undefined): number {
  return rate === undefined ? 0 : Number(formatDecimal(rate));
}

function withSnakeCase(view: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const both: Record<string, unknown> = { ...view };
  for (const [name, value] of Object.entries(view)) {
    both[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = value;
  }
  return both;
}
