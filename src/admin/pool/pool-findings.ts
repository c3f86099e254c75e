import type { ModelEntry, PoolFile, PriceEntry } from './pool-file.schema.js';
import type { Path } from './pool-places.js';

/** Something wrong with a file whose shape is right. */
export interface Finding {
  path: Path;
  message: string;
}

const USD = 1_000_000n;
/** Above any list price there is; a price for a thousand tokens, or in cents, taken for one of a million is out of bounds. */
const LIST_USD_MAX = 1_000n;
/** Writing a cache costs up to twice the input price where it costs anything extra. */
const CACHE_WRITE_FACTOR_MAX = 4n;

/** Names that are there twice. */
export function duplicatesIn({ providers, models, policies }: PoolFile): Finding[] {
  return [
    ...twice(
      providers ?? [],
      (one) => one.name,
      (at) => ['providers', at, 'name'],
    ),
    ...twice(
      policies ?? [],
      (one) => one.name,
      (at) => ['policies', at, 'name'],
    ),
    ...twice(
      models ?? [],
      (one) => one.model_key,
      (at) => ['models', at, 'model_key'],
    ),
    ...(models ?? []).flatMap(({ endpoints, prices }, model) => [
      ...twice(
        endpoints ?? [],
        (one) => `${one.provider} ${one.upstream_model}`,
        (at) => ['models', model, 'endpoints', at],
      ),
      ...twice(
        prices ?? [],
        (one) => one.effective_at?.toISOString() ?? 'no effective_at',
        (at) => ['models', model, 'prices', at],
      ),
    ]),
  ];
}

function twice<T>(items: readonly T[], nameOf: (item: T) => string, pathOf: (at: number) => Path): Finding[] {
  const seen = new Set<string>();
  return items.flatMap((item, at) => {
    const name = nameOf(item);
    const isFirst = !seen.has(name);
    seen.add(name);
    return isFirst ? [] : [{ path: pathOf(at), message: `${name} is there twice` }];
  });
}

/** Prices that no vendor has, and models that cannot be as they say. */
export function priceFaultsIn({ models }: PoolFile, nowMs: number): Finding[] {
  return (models ?? []).flatMap((model, at) => [
    ...modelFaults(model, ['models', at]),
    ...(model.prices ?? []).flatMap((price, index) => priceFaults(price, ['models', at, 'prices', index], nowMs)),
  ]);
}

function modelFaults({ max_output_tokens: output, context_window: context }: ModelEntry, path: Path): Finding[] {
  if (output <= context) return [];
  return [{ path: [...path, 'max_output_tokens'], message: 'must not be beyond context_window' }];
}

function priceFaults(price: PriceEntry, path: Path, nowMs: number): Finding[] {
  const faults: Finding[] = [];
  const refuse = (field: keyof PriceEntry, message: string): void => {
    faults.push({ path: [...path, field], message });
  };
  for (const direction of ['input', 'output'] as const) {
    const listUsd = price[`${direction}_usd_mtok`];
    const own = price[`customer_${direction}_mtok`];
    if (listUsd > LIST_USD_MAX * USD) refuse(`${direction}_usd_mtok`, `must not be beyond ${LIST_USD_MAX} USD`);
    if (listUsd === 0n && own === undefined) {
      refuse(`${direction}_usd_mtok`, `0 needs customer_${direction}_mtok: a call without a price would be free`);
    }
    if (own === 0n) refuse(`customer_${direction}_mtok`, 'must be greater than 0');
  }
  const { input_usd_mtok: input, cacheread_usd_mtok: read, cachewrite_usd_mtok: write } = price;
  if (read !== undefined && read > input) refuse('cacheread_usd_mtok', 'must not be beyond input_usd_mtok');
  if (write !== undefined && write > input * CACHE_WRITE_FACTOR_MAX) {
    refuse('cachewrite_usd_mtok', `must not be beyond ${CACHE_WRITE_FACTOR_MAX} times input_usd_mtok`);
  }
  if (price.as_of !== undefined && Date.parse(price.as_of) > nowMs) refuse('as_of', 'is in the future');
  return faults;
}
