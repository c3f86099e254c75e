import type { Micros } from '../../platform/money/index.js';
import type { Endpoint } from '../../provider/index.js';
import type { Tier } from '../../wallet/index.js';
import type { RoutingGroup } from './ballot.js';
import type { Factors, Weights } from './weights.js';

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
  /** Tokens of one choice that it may write unseen, as its operator says; `null`: as it is seen to. */
  hiddenOutputMax: number | null;
  /** The largest hidden part of an answer that any process has seen. */
  hiddenOutputSeen: number;
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
  /** Output tokens that the first freeze has to pay for. */
  frozenOutputTokens: number;
}

/** What the caller wrote, without answers, tool output and what clients put in. */
export interface CallerWords {
  /** What is asked now. */
  asked: string;
  /** How the talk began; `null` when it begins now. */
  opening: string | null;
}

/** What an operator wants of `auto`. */
export interface RoutingPreferences {
  /** Instead of the usual ones. */
  weights: Partial<Weights>;
  /** SKU or scenario tags to prefer. */
  tags: readonly string[];
}

export interface RouteRequest {
  /** `auto`, `auto:` and a knob, or a model_key, or a model_id. Policy has already replaced an absent one. */
  requestedModel: string;
  /** The account that pays: a breaker may keep one account away. */
  callerId: string;
  /** Tiers that policy, key and request leave, and for `auto` those with a balance. */
  allowedTiers: readonly Tier[];
  /** Patterns of model_key or model_id; `*` matches any run of characters. */
  isBlacklisted: (model: { id: string; modelKey: string }) => boolean;
  needs: RequestNeeds;
  /** Stable text for stickiness: key id and `user`, or a hash of the first system and user message. */
  sessionKey: string;
  /** The caller named the session (`user`). */
  sessionNamed: boolean;
  /** Asked for at most once, and only for `auto`. */
  words: () => CallerWords;
  preferences: RoutingPreferences;
  /** What the wallet of a tier had when it was last seen; `null` when it has not been. */
  availableMicros: (tier: Tier) => bigint | null;
}

export interface Candidate {
  modelKey: string;
  tier: Tier;
  score: number | null;
  /** Why it was not chosen; `null` for the chosen one. */
  lost: string | null;
  /** What the score is made of; absent for models that could not serve, and where nothing was weighed. */
  weighed?: Weighed;
}

/** The recorded numbers of one candidate. */
export interface Weighed {
  factors: Factors;
  lot: number;
  share: number;
  /** Estimated price of the request, USD. */
  usd: number;
}

/** With the candidates, everything that a choice of `auto` was made from: replayed, it gives the same answer. */
export interface Decision {
  /** Of the formulas; a decision of another version is not replayed. */
  version: number;
  group: RoutingGroup;
  weights: Weights;
  nearEqual: number;
  /** Gain of a strong model that is expected on this request, about −1 to 1; and its rank among all, 0 to 1. */
  gain: number;
  demand: number;
  inputTokens: number;
  outputTokens: number;
  /** The session's model so far. */
  kept: string | null;
  /** What the router chooses; another one than the selected model only in the control group. */
  routersChoice: string;
  /** What the control group compares the request with; `null` without a control group. Not recorded. */
  kind: string | null;
  /** Control group: how far its shares were bent towards cheaper models, to spend what the router spends. */
  tilt: number;
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
  /** `null` for a concrete model: there was nothing to decide. */
  decision: Decision | null;
  routingMs: number;
}
