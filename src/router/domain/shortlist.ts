import { TIERS, type Tier } from '../../wallet/index.js';
import { canServe, judged, type Probe, type ScoredModel } from './candidates.js';
import { compareText } from './endpoint-order.js';
import type { Candidate, Price } from './model.js';
import type { PooledModel } from './pool.js';
import { cheapness, expectedQuality, tagShare } from './score.js';
import type { Shelf } from './shelves.js';
import { scoreOf } from './weights.js';

/** Factors and scores are rounded; a bound has to stay above what rounding up can add. */
const ROUNDING = 2e-4;

/** A shelf that has not been opened, or a model whose score is known. */
interface Find {
  /** The score, or what no score on the shelf exceeds. */
  bound: number;
  shelf: Shelf | null;
  model: ScoredModel | null;
  tier: Tier;
}

/** Who can serve a request, as far as it was looked at. */
export interface Survey {
  /** At most so many, the best. */
  fits: readonly ScoredModel[];
  /** Who cannot, in the order of tiers and keys; `null` where only the best were looked at. */
  refused: readonly Candidate[] | null;
}

/**
 * The best models for a request, at most so many: exactly those that a look at every model of the allowed tiers finds, the first
 * ones in the order of tiers and keys where scores are equal. A pool of no more is looked at whole.
 */
export function surveyOf(probe: Probe, most: number): Survey {
  const tiers = TIERS.filter((tier) => probe.request.allowedTiers.includes(tier));
  const count = tiers.reduce((sum, tier) => sum + probe.pool.enabledIn(tier).length, 0);
  return count <= most ? wholeOf(probe) : { fits: bestModels(probe, most), refused: null };
}

/** Models of the allowed tiers that have a price, in the order of tiers and keys. */
export function* allowedModels({ pool, request }: Probe): Generator<[PooledModel, Price]> {
  for (const tier of TIERS) {
    if (!request.allowedTiers.includes(tier)) continue;
    for (const pooled of pool.enabledIn(tier)) {
      if (pooled.model.price !== null) yield [pooled, pooled.model.price];
    }
  }
}

function wholeOf(probe: Probe): Survey {
  const fits: ScoredModel[] = [];
  const refused: Candidate[] = [];
  for (const [pooled, price] of allowedModels(probe)) {
    const model = judged(pooled, price, probe);
    if (canServe(model)) fits.push(model);
    else refused.push(model);
  }
  return { fits, refused };
}

/** Shelves are opened best first, until what is known is better than anything that could be on the others. */
function bestModels(probe: Probe, most: number): ScoredModel[] {
  const { pool, request, around } = probe;
  const open = new Finds();
  const kept = around.keptModelId === null ? null : pool.find(around.keptModelId);
  for (const tier of TIERS) {
    const shelf = request.allowedTiers.includes(tier) ? pool.shelfOf(tier) : null;
    if (shelf === null) continue;
    addShelf(open, shelf, tier, probe);
    // Bounds know nothing of sessions: its model is looked at by itself.
    if (kept?.model.enabled === true && kept.model.tier === tier) addModel(open, kept, probe);
  }
  const best: ScoredModel[] = [];
  for (let find = open.pop(); find !== null && best.length < most; find = open.pop()) {
    if (find.model !== null) best.push(find.model);
    else if (find.shelf !== null) openShelf(open, find.shelf, find.tier, probe, kept);
  }
  return best;
}

function openShelf(open: Finds, shelf: Shelf, tier: Tier, probe: Probe, kept: PooledModel | null): void {
  if (shelf.pooled === null) for (const part of shelf.parts) addShelf(open, part, tier, probe);
  else if (shelf.pooled !== kept) addModel(open, shelf.pooled, probe);
}

function addModel(open: Finds, pooled: PooledModel, probe: Probe): void {
  const { price } = pooled.model;
  const model = price === null ? null : judged(pooled, price, probe);
  if (model === null || !canServe(model)) return;
  open.push({ bound: scoreOf(model.factors, probe.around.weighing.weights), shelf: null, model, tier: model.tier });
}

function addShelf(open: Finds, shelf: Shelf, tier: Tier, probe: Probe): void {
  const bound = boundOf(shelf, tier, probe);
  if (bound !== null) open.push({ bound, shelf, model: null, tier });
}

/** What no score on a shelf exceeds; `null` when nothing on it can serve. */
function boundOf(shelf: Shelf, tier: Tier, { needed, strictOutput, request, pool, around }: Probe): number | null {
  const { inputTokens, outputTokens, frozenOutputTokens } = request.needs;
  if ((needed & ~shelf.capabilities) !== 0) return null;
  if (inputTokens + Math.min(outputTokens, shelf.outputLow) > shelf.contextMax) return null;
  if (strictOutput && outputTokens > shelf.outputMax) return null;
  const micros = (output: number): number => (shelf.inputLeast * inputTokens + shelf.outputLeast * output) / 1e6;
  const tokens = inputTokens + outputTokens;
  const usd = (micros(outputTokens) / 1e6) * (Number(pool.usdPerCredit(tier)) / 1e6);
  const available = inputTokens === 0 ? null : request.availableMicros(tier);
  const isPayable = available === null || micros(frozenOutputTokens) <= Number(available) + 1;
  const factors = {
    quality: expectedQuality(shelf.mciMax, around.demand),
    price: cheapness(tokens > 0 ? (usd / tokens) * 1e6 : 0),
    latency: 1,
    health: 1,
    stickiness: 0,
    tags: tagShare(request.preferences.tags, (tag) => shelf.tags.has(tag)),
    balance: isPayable ? 1 : 0,
  };
  return scoreOf(factors, around.weighing.weights) + ROUNDING;
}

/** A binary heap, the best on top. */
class Finds {
  private readonly finds: Find[] = [];

  push(find: Find): void {
    const { finds } = this;
    let at = finds.length;
    finds.push(find);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = finds[above];
      if (parent === undefined || !comesFirst(find, parent)) break;
      finds[at] = parent;
      at = above;
    }
    finds[at] = find;
  }

  pop(): Find | null {
    const { finds } = this;
    const [top] = finds;
    const last = finds.pop();
    if (top === undefined || last === undefined) return null;
    if (finds.length > 0) this.sink(last);
    return top;
  }

  private sink(find: Find): void {
    const { finds } = this;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [one, other] = [finds[left], finds[left + 1]];
      if (one === undefined) break;
      const isRight = other !== undefined && comesFirst(other, one);
      const better = isRight ? other : one;
      if (!comesFirst(better, find)) break;
      finds[at] = better;
      at = isRight ? left + 1 : left;
    }
    finds[at] = find;
  }
}

/** Among equal scores the order of tiers and keys; an unopened shelf before all of them. */
function comesFirst(left: Find, right: Find): boolean {
  if (left.bound !== right.bound) return left.bound > right.bound;
  if (left.model === null || right.model === null) return left.model === null;
  const tiers = TIERS.indexOf(left.tier) - TIERS.indexOf(right.tier);
  return tiers === 0 ? compareText(left.model.modelKey, right.model.modelKey) < 0 : tiers < 0;
}
