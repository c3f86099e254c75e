import type { Tier } from '../../wallet/index.js';
import type { Entrant, RoutingGroup } from './ballot.js';
import { nameMissing } from './capability.js';
import { drawFor } from './hash.js';
import type { Candidate, Price, RouteRequest } from './model.js';
import type { Pool, PooledModel } from './pool.js';
import {
  cheapness,
  creditsOf,
  expectedQuality,
  expectedSeconds,
  swiftness,
  tagShare,
  usdOf,
  type Speed,
} from './score.js';
import type { Factors, Weighing } from './weights.js';

/** A model that can serve the request now. */
export interface ScoredModel extends Entrant {
  pooled: PooledModel;
  price: Price;
  /** Estimated price of the request, USD. */
  usd: number;
}

/** What a choice depends on besides pool and request. */
export interface Surroundings {
  isHealthy: (endpointId: string) => boolean;
  /** `null` when nothing is known. */
  speedOf: (endpointId: string) => Speed | null;
  /** Id of the session's model so far. */
  keptModelId: string | null;
  /** How much quality matters for this request, between 0 and 1. */
  demand: number;
  weighing: Weighing;
  group: RoutingGroup;
  /** How often the control group draws a model, given what the request is expected to cost there, USD; only ratios count. */
  shareOf: (modelId: string, usd: number) => number;
}

/** One request as each model is held against it. */
export interface Probe {
  pool: Pool;
  request: RouteRequest;
  around: Surroundings;
  session: number;
  needed: number;
  /** Refuse models that cannot write as many tokens as the request allows. */
  strictOutput: boolean;
}

/** A model with everything that is weighed, where it can serve; or why it cannot. */
export function judged(pooled: PooledModel, price: Price, probe: Probe): ScoredModel | Candidate {
  const obstacle = obstacleTo(pooled, probe);
  const health = obstacle === null ? healthyShare(pooled, probe.around.isHealthy) : 0;
  return health > 0 ? entrantOf(pooled, price, health, probe) : refusal(pooled, obstacle ?? ALL_BREAKERS_OPEN);
}

/** Whether a model of `judged` can serve. */
export function canServe(model: ScoredModel | Candidate): model is ScoredModel {
  return 'factors' in model;
}

/** The sandbox left `auto` when the first real model was enabled. */
export const LEFT_SANDBOX = 'sandbox, and real models are enabled';
export const TIER_NOT_ALLOWED = 'tier not allowed';
const SHORT_OUTPUT = 'writes fewer output tokens than the request allows';
/** All that a model lacks is a healthy endpoint. */
export const ALL_BREAKERS_OPEN = 'no healthy endpoint: all breakers open';

/** Why a model cannot serve the request, whatever the state of its endpoints; `null` when it can. */
function obstacleTo(pooled: PooledModel, probe: Probe): string | null {
  const { needs } = probe.request;
  const { model } = pooled;
  const lasting = lastingObstacleTo(pooled, probe.pool, probe.request);
  if (lasting !== null) return lasting;
  if ((probe.needed & ~pooled.capabilities) !== 0) return `cannot do ${nameMissing(probe.needed, pooled.capabilities)}`;
  const neededTokens = needs.inputTokens + Math.min(needs.outputTokens, model.maxOutputTokens);
  if (neededTokens > model.contextWindow) {
    return `context window ${model.contextWindow} is below the estimated ${neededTokens} tokens`;
  }
  return probe.strictOutput && needs.outputTokens > model.maxOutputTokens ? SHORT_OUTPUT : null;
}

/** Why `auto` never chooses a model for a key, whatever a request needs; `null` when it may. */
export function lastingObstacleTo(
  pooled: PooledModel,
  pool: Pool,
  { isBlacklisted }: Pick<RouteRequest, 'isBlacklisted'>,
): string | null {
  if (pooled.sandbox && pool.hasRealModel) return LEFT_SANDBOX;
  if (isBlacklisted(pooled.model)) return 'blacklisted';
  return pooled.endpoints.length === 0 ? 'no enabled endpoint' : null;
}

/** Share of the endpoints that may be called now. */
function healthyShare(pooled: PooledModel, isHealthy: (endpointId: string) => boolean): number {
  let healthy = 0;
  for (const { endpoint } of pooled.endpoints) if (isHealthy(endpoint.id)) healthy += 1;
  return healthy / pooled.endpoints.length;
}

function entrantOf(pooled: PooledModel, price: Price, health: number, probe: Probe): ScoredModel {
  const { request, around, pool, session } = probe;
  const { model } = pooled;
  const { needs } = request;
  const usd = usdOf(price, pool.usdPerCredit(model.tier), needs);
  const tokens = needs.inputTokens + needs.outputTokens;
  const { tags } = request.preferences;
  const factors: Factors = {
    quality: rounded(expectedQuality(model.mciScore, around.demand)),
    price: rounded(cheapness(tokens > 0 ? (usd / tokens) * 1e6 : 0)),
    latency: rounded(swiftness(secondsOf(pooled, probe))),
    health: rounded(health),
    stickiness: model.id === around.keptModelId ? 1 : 0,
    tags: rounded(tagShare(tags, (tag) => model.skuTags.includes(tag) || model.scenarioTags.includes(tag))),
    balance: isPayable(price, model.tier, request) ? 1 : 0,
  };
  return {
    modelKey: model.modelKey,
    tier: model.tier,
    factors,
    lot: Math.round(drawFor(session, pooled.hash) * 1e6) / 1e6,
    share: Number(around.shareOf(model.id, usd).toPrecision(4)),
    pooled,
    price,
    usd: Math.round(usd * 1e9) / 1e9,
  };
}

/** Expected duration at the endpoints that are tried first: the slowest of those that share the first priority. */
function secondsOf(pooled: PooledModel, { around, request }: Probe): number {
  let first: number | null = null;
  let slowest = 0;
  for (const { endpoint } of pooled.endpoints) {
    if (!around.isHealthy(endpoint.id)) continue;
    first ??= endpoint.priority;
    if (endpoint.priority !== first) break;
    const speed = around.speedOf(endpoint.id);
    if (speed !== null) slowest = Math.max(slowest, expectedSeconds(speed, request.needs.outputTokens));
  }
  return slowest;
}

/** Whether the freeze fits the wallet, as far as that is known; the freeze itself decides. */
function isPayable(price: Price, tier: Tier, { needs, availableMicros }: RouteRequest): boolean {
  const available = availableMicros(tier);
  // Without a count of the prompt a default amount is frozen, the same for every model.
  if (available === null || needs.inputTokens === 0) return true;
  const tokens = { inputTokens: needs.inputTokens, outputTokens: needs.frozenOutputTokens };
  return Math.ceil(creditsOf(price, tokens) * 1e6) <= Number(available);
}

/** A model that cannot serve, and why. */
export function refusal(pooled: PooledModel, lost: string): Candidate {
  return { modelKey: pooled.model.modelKey, tier: pooled.model.tier, score: null, lost };
}

/** Four places are enough for an order, and short in a record. */
function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
