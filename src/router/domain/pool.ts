import { TIERS, type Tier } from '../../wallet/index.js';
import { usdMicros, type UsdMicros } from '../../platform/money/index.js';
import { declaredCapabilities } from './capability.js';
import { compareText, poolEndpoints, type PooledEndpoint } from './endpoint-order.js';
import { hashText } from './hash.js';
import type { ModelRecord, Price } from './model.js';
import { shelve, type Shelf } from './shelves.js';
import type { TierRate } from './tier-rate.js';

/** Folder name of the adapter that answers by itself; see the sandbox rule in the README. */
const SANDBOX_ADAPTER = 'sandbox';

/** Used while a tier has no rate, so that scores stay comparable inside it: one credit is one USD. */
const RATE_WHEN_UNKNOWN = usdMicros(1_000_000);

/** A model with everything about it that does not depend on the request. */
export interface PooledModel {
  model: ModelRecord;
  /** Enabled endpoints in priority order. */
  endpoints: readonly PooledEndpoint[];
  hash: number;
  capabilities: number;
  /** It has endpoints, and all of them are the sandbox. */
  sandbox: boolean;
}

/** What the world may know of the pool. One object for one state: it can be compared and cached by identity. */
export interface Catalog {
  /** Enabled models by tier and model_key. */
  models: readonly ModelRecord[];
  /** Rates in force, in the operator's order. */
  tierRates: readonly TierRate[];
  /** The last change of any of them. */
  updatedAt: Date;
}

/** The whole model pool at one moment. Immutable: a change makes a new pool, so a request sees one state from beginning to end. */
export class Pool {
  private readonly byId = new Map<string, PooledModel>();
  private readonly byKey = new Map<string, PooledModel>();
  private readonly enabledByTier: Readonly<Record<Tier, PooledModel[]>> = { economy: [], standard: [], premium: [] };
  private readonly currentPrices = new Map<string, Price>();
  private readonly rates = new Map<Tier, TierRate>();
  private readonly shelves: Readonly<Record<Tier, Shelf | null>>;
  private catalogMade: Catalog | null = null;
  /** An enabled model has an enabled endpoint at a real provider: from then on the sandbox is not for `auto`. */
  readonly hasRealModel: boolean;

  /** @param before what has not changed since is taken from it. */
  constructor(models: readonly ModelRecord[], tierRates: readonly TierRate[], before: Pool | null = null) {
    for (const pooled of models.map((model) => before?.knownAs(model) ?? poolModel(model)).sort(compareModels)) {
      this.byId.set(pooled.model.id, pooled);
      this.byKey.set(pooled.model.modelKey, pooled);
      if (pooled.model.price !== null) this.currentPrices.set(pooled.model.price.id, pooled.model.price);
      if (pooled.model.enabled) this.enabledByTier[pooled.model.tier].push(pooled);
    }
    for (const rate of tierRates) {
      if (rate.version > (this.rates.get(rate.tier)?.version ?? 0)) this.rates.set(rate.tier, rate);
    }
    this.hasRealModel = TIERS.some((tier) => this.enabledByTier[tier].some(isReal));
    this.shelves = {
      economy: this.shelfFor('economy', before),
      standard: this.shelfFor('standard', before),
      premium: this.shelfFor('premium', before),
    };
  }

  /** By model_key, else by id; disabled models too. */
  find(nameOrId: string): PooledModel | null {
    return this.byKey.get(nameOrId) ?? this.byId.get(nameOrId) ?? null;
  }

  /** A price that is in force, by its id. */
  currentPrice(id: string): Price | null {
    return this.currentPrices.get(id) ?? null;
  }

  /** The public part of the pool; always the same object. */
  catalog(): Catalog {
    this.catalogMade ??= this.makeCatalog();
    return this.catalogMade;
  }

  /** Enabled models of a tier by model_key. */
  enabledIn(tier: Tier): readonly PooledModel[] {
    return this.enabledByTier[tier];
  }

  /** What `auto` may choose from in a tier, for a search. */
  shelfOf(tier: Tier): Shelf | null {
    return this.shelves[tier];
  }

  /** All models, disabled ones too. */
  models(): ModelRecord[] {
    return [...this.byId.values()].map(({ model }) => model);
  }

  /** Rates in force, in the operator's order. */
  tierRates(): readonly TierRate[] {
    return [...this.rates.values()].sort(
      (left, right) => left.sortOrder - right.sortOrder || TIERS.indexOf(left.tier) - TIERS.indexOf(right.tier),
    );
  }

  /** Micro-USD for one credit of a tier; one USD while the tier has no rate. */
  usdPerCredit(tier: Tier): UsdMicros {
    return this.rates.get(tier)?.usdPerCredit ?? RATE_WHEN_UNKNOWN;
  }

  /** This pool with some models read again; ids that were not found are forgotten. */
  withModels(ids: readonly string[], found: readonly ModelRecord[]): Pool {
    const models = new Map(this.models().map((model) => [model.id, model]));
    for (const id of ids) models.delete(id);
    for (const model of found) models.set(model.id, model);
    return new Pool([...models.values()], [...this.rates.values()], this);
  }

  /** This pool with other rates. */
  withTierRates(tierRates: readonly TierRate[]): Pool {
    return new Pool(this.models(), tierRates, this);
  }

  private knownAs(model: ModelRecord): PooledModel | null {
    const known = this.byId.get(model.id);
    return known?.model === model ? known : null;
  }

  private shelfFor(tier: Tier, before: Pool | null): Shelf | null {
    const models = this.enabledByTier[tier];
    const known = before?.enabledByTier[tier];
    const isSame = known?.length === models.length && known.every((model, at) => model === models[at]);
    if (before !== null && isSame && before.hasRealModel === this.hasRealModel) return before.shelves[tier];
    return shelve(models.filter(({ sandbox }) => !(sandbox && this.hasRealModel)));
  }

  private makeCatalog(): Catalog {
    const models = TIERS.flatMap((tier) => this.enabledByTier[tier].map(({ model }) => model));
    const tierRates = this.tierRates();
    const timesMs = [...models.map((model) => model.updatedAt), ...tierRates.map((rate) => rate.createdAt)].map(Number);
    return { models, tierRates, updatedAt: new Date(timesMs.reduce((latest, time) => Math.max(latest, time), 0)) };
  }
}

function poolModel(model: ModelRecord): PooledModel {
  const endpoints = poolEndpoints(model.endpoints);
  return {
    model,
    endpoints,
    hash: hashText(model.id),
    capabilities: declaredCapabilities(model),
    sandbox: endpoints.length > 0 && endpoints.every(({ endpoint }) => endpoint.adapter === SANDBOX_ADAPTER),
  };
}

function isReal(pooled: PooledModel): boolean {
  return pooled.endpoints.some(({ endpoint }) => endpoint.adapter !== SANDBOX_ADAPTER);
}

function compareModels(left: PooledModel, right: PooledModel): number {
  return compareText(left.model.modelKey, right.model.modelKey);
}
