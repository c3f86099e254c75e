import type { Micros } from '../../platform/money/index.js';
import type { Endpoint } from '../../provider/index.js';
import type { Tier } from '../../wallet/index.js';

/** Micro-credits for a million tokens of each disjoint bucket. */
export interface PriceRates {
  inputPerMtok: Micros;
  outputPerMtok: Micros;
  cacheReadPerMtok: Micros;
  cacheWritePerMtok: Micros;
}

/** One immutable price version of a model. */
export interface Price extends PriceRates {
  id: string;
  modelId: string;
  version: number;
  /** In force from then on, until the next one is. */
  effectiveAt: Date;
}

/** A model of the pool as snapshots hold it, with its current price and all of its endpoints. */
export interface Model {
  id: string;
  modelKey: string;
  displayName: string;
  alias: string;
  tier: Tier;
  tags: readonly string[];
  featureTags: readonly string[];
  scenarioTags: readonly string[];
  skuTags: readonly string[];
  industryPacks: readonly string[];
  mciScore: number;
  description: string;
  descriptionZh: string;
  contextWindow: number;
  maxOutputTokens: number;
  customerImageInputMtok: string;
  customerImageOutputMtok: string;
  customerImageCachedInputMtok: string;
  enabled: boolean;
  price: Price | null;
  endpoints: readonly Endpoint[];
}

/** A model with its times, as the pool and the administration read it. */
export interface ModelRecord extends Model {
  /** Milliseconds until the next scheduled price is in force, counted when this was read; `null` when none is scheduled. */
  nextPriceInMs: number | null;
  createdAt: Date;
  updatedAt: Date;
}

/** What a request needs of a model; found from the body by the gateway. */
export interface RequestNeeds {
  tools: boolean;
  vision: boolean;
  jsonSchema: boolean;
  /** Estimated prompt tokens. */
  inputTokens: number;
  /** Most output tokens asked for, or the gateway default. */
  outputTokens: number;
}

export interface RouteRequest {
  /** `auto`, or a model_key, or a model_id. Policy has already replaced an absent one. */
  requestedModel: string;
  /** Tiers that policy, key and request leave, and for `auto` those with a balance. */
  allowedTiers: readonly Tier[];
  /** Patterns of model_key or model_id; `*` matches any run of characters. */
  isBlacklisted: (model: { id: string; modelKey: string }) => boolean;
  needs: RequestNeeds;
  /** Stable text for stickiness: key id and `user`, or a hash of the first system and user message. */
  sessionKey: string;
}

export interface Candidate {
  modelKey: string;
  tier: Tier;
  score: number | null;
  /** Why it was not chosen; `null` for the chosen one. */
  lost: string | null;
}

export interface Route {
  requestedModel: string;
  model: Model;
  price: Price;
  /** Healthy endpoints in order of trial; never empty. */
  endpoints: readonly Endpoint[];
  /** Next `auto` candidates of the same tier and no higher price, for `STREAM_RESCUE=any`. */
  rescueModels: readonly { model: Model; endpoints: readonly Endpoint[] }[];
  /** One sentence. */
  reason: string;
  candidates: readonly Candidate[];
  routingMs: number;
}
