import type { PooledModel } from './pool.js';

/** Models that are much alike, and the best that any of them could be. A shelf of one model has no parts. */
export interface Shelf {
  /** The one model; `null` where there are parts. */
  pooled: PooledModel | null;
  parts: readonly Shelf[];
  /** Bits that any of them has. */
  capabilities: number;
  mciMax: number;
  /** Least micro-credits for a million tokens. */
  inputLeast: number;
  outputLeast: number;
  contextMax: number;
  /** Of what each can write at most: the most and the least. */
  outputMax: number;
  outputLow: number;
  /** SKU and scenario tags that any of them has. */
  tags: ReadonlySet<string>;
}

/** So few are not parted any more. */
const ALIKE_MAX = 4;
/** A point of MCI separates models as much as this many decades of price: about what the usual weights make of it. */
const DECADES_A_POINT = 0.04;

/**
 * Puts models on shelves: by what they can do, then again and again in halves by quality or price, whichever differs more. So a
 * request looks closely at a few dozen of thousands of models and still finds the best.
 */
export function shelve(models: readonly PooledModel[]): Shelf | null {
  const byAbility = new Map<number, Shelf[]>();
  for (const pooled of models) {
    const leaf = leafOf(pooled);
    if (leaf === null) continue;
    const alike = byAbility.get(leaf.capabilities);
    if (alike === undefined) byAbility.set(leaf.capabilities, [leaf]);
    else alike.push(leaf);
  }
  return byAbility.size === 0 ? null : joined([...byAbility.values()].map(parted));
}

/** `null` for a model that can never be called. */
function leafOf(pooled: PooledModel): Shelf | null {
  const { model, endpoints, capabilities } = pooled;
  if (model.price === null || endpoints.length === 0) return null;
  return {
    pooled,
    parts: [],
    capabilities,
    mciMax: model.mciScore,
    inputLeast: Number(model.price.inputPerMtok),
    outputLeast: Number(model.price.outputPerMtok),
    contextMax: model.contextWindow,
    outputMax: model.maxOutputTokens,
    outputLow: model.maxOutputTokens,
    tags: new Set([...model.skuTags, ...model.scenarioTags]),
  };
}

function parted(leaves: Shelf[]): Shelf {
  if (leaves.length <= ALIKE_MAX) return joined(leaves);
  const [worst, best] = ends(leaves, qualityOf);
  const [cheapest, dearest] = ends(leaves, dearnessOf);
  const measure = (best - worst) * DECADES_A_POINT >= Math.log10(dearest / cheapest) ? qualityOf : dearnessOf;
  leaves.sort((left, right) => measure(left) - measure(right));
  const middle = leaves.length >> 1;
  return joined([parted(leaves.slice(0, middle)), parted(leaves.slice(middle))]);
}

function qualityOf({ mciMax }: Shelf): number {
  return mciMax;
}

/** Never 0, so that it has a logarithm. */
function dearnessOf({ inputLeast, outputLeast }: Shelf): number {
  return 1 + inputLeast + outputLeast;
}

function ends(shelves: readonly Shelf[], measure: (shelf: Shelf) => number): [least: number, most: number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const shelf of shelves) {
    const value = measure(shelf);
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return [least, most];
}

function joined(parts: readonly Shelf[]): Shelf {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  return {
    pooled: null,
    parts,
    capabilities: parts.reduce((bits, part) => bits | part.capabilities, 0),
    mciMax: ends(parts, (part) => part.mciMax)[1],
    inputLeast: ends(parts, (part) => part.inputLeast)[0],
    outputLeast: ends(parts, (part) => part.outputLeast)[0],
    contextMax: ends(parts, (part) => part.contextMax)[1],
    outputMax: ends(parts, (part) => part.outputMax)[1],
    outputLow: ends(parts, (part) => part.outputLow)[0],
    tags: unionOf(parts),
  };
}

/** Tags are few and repeat: sets that say the same are one. */
function unionOf(parts: readonly Shelf[]): ReadonlySet<string> {
  const [first, ...others] = parts.map(({ tags }) => tags);
  if (first !== undefined && others.every((tags) => [...tags].every((tag) => first.has(tag)))) return first;
  return new Set(parts.flatMap(({ tags }) => [...tags]));
}
