import { z } from 'zod';
import { AppError } from '../../platform/errors/index.js';
import type { Model } from '../../router/index.js';
import { parseTier } from '../../wallet/index.js';
import { LOCALES, providerOf, type Locale } from './catalog-view.js';

/** A parameter that may be repeated; empty values count as absent. */
const values = z
  .union([z.string(), z.array(z.string())])
  .default([])
  .transform((value) => [value].flat().filter((item) => item.trim() !== ''));

const tiers = values.transform((names, context) =>
  names.map((name) => {
    const tier = parseTier(name);
    if (tier === null) context.addIssue({ code: 'custom', message: 'must be economy, standard or premium' });
    return tier;
  }),
);

/** `zh` and `zh-CN` are Chinese, everything else is English. */
const locale = values.transform(([first = '']): Locale => {
  const language = first.toLowerCase().split(/[-_]/)[0];
  return LOCALES.find((known) => known === language) ?? 'en';
});

const querySchema = z.object({
  tier: tiers,
  provider: values,
  feature_tag: values,
  pack: values,
  industry_packs: values,
  locale,
});

export type CatalogQuery = z.output<typeof querySchema>;

/**
 * Reads the filters of the catalogue. Unknown parameters are ignored.
 * @throws AppError `invalid_request` for a tier that does not exist.
 */
export function parseCatalogQuery(query: unknown): CatalogQuery {
  const result = querySchema.safeParse(withoutBrackets(query));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const param = String(issue?.path[0] ?? 'query');
  throw new AppError('invalid_request', `${param}: ${issue?.message ?? 'invalid'}`, {
    code: 'invalid_parameter',
    param,
  });
}

/** Some clients write a list as `name[]=a&name[]=b`. */
function withoutBrackets(query: unknown): unknown {
  if (typeof query !== 'object' || query === null) return query;
  const merged = new Map<string, unknown[]>();
  for (const [written, value] of Object.entries(query)) {
    if (value === undefined) continue;
    const name = written.replace(/\[\]$/, '');
    merged.set(name, [...(merged.get(name) ?? []), value].flat());
  }
  return Object.fromEntries(merged);
}

/** Whether any filter is set. */
export function isFiltered(query: CatalogQuery): boolean {
  const { tier, provider, feature_tag, pack, industry_packs } = query;
  return [tier, provider, feature_tag, pack, industry_packs].some((filter) => filter.length > 0);
}

/**
 * Whether a model passes: every filter that is set has to match, a repeated one by any of its values, but a model needs
 * all of several feature tags. A pack is a SKU tag or a scenario tag. Case does not matter.
 */
export function matchesQuery(model: Model, query: CatalogQuery): boolean {
  return (
    anyOf(query.tier, [model.tier]) &&
    anyOf(query.provider, [providerOf(model)]) &&
    query.feature_tag.every((tag) => anyOf([tag], model.featureTags)) &&
    anyOf(query.pack, [...model.skuTags, ...model.scenarioTags]) &&
    anyOf(query.industry_packs, model.industryPacks)
  );
}

function anyOf(wanted: readonly (string | null)[], present: readonly string[]): boolean {
  if (wanted.length === 0) return true;
  const lowered = present.map((item) => item.toLowerCase());
  return wanted.some((item) => item !== null && lowered.includes(item.trim().toLowerCase()));
}
