import { TIERS, type Tier } from '../../wallet/index.js';
import { vote, type Ballot, type Entrant, type RoutingGroup } from './ballot.js';
import { nameMissing, neededCapabilities } from './capability.js';
import { drawFor, hashText } from './hash.js';
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
import { scoreOf, type Factors, type Weighing } from './weights.js';

/** Most models that one decision looks at closely and explains. */
export const CANDIDATES_MAX = 50;

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

export interface AutoPick {
  /** `null` when no model can serve the request. */
  chosen: ScoredModel | null;
  /** Other candidates, best first. */
  others: readonly ScoredModel[];
  routersChoice: ScoredModel | null;
  /** The chosen one, then the others by score, then who was refused and why; at most `CANDIDATES_MAX`. */
  candidates: readonly Candidate[];
  /** At least one model lacks nothing but a healthy endpoint. */
  waitsForHealth: boolean;
  /** One sentence. */
  reason: string;
}

/** One pass over the pool. */
interface Survey {
  fits: ScoredModel[];
  refused: Candidate[];
  waitsForHealth: boolean;
  shortOutput: boolean;
}

interface Probe {
  pool: Pool;
  request: RouteRequest;
  around: Surroundings;
  session: number;
  needed: number;
  /** Refuse models that cannot write as many tokens as the request allows. */
  strictOutput: boolean;
}

/**
 * Chooses a model for `auto`. The same request on the same pool in the same surroundings gives the same answer in every
 * process.
 */
export function pickAuto(pool: Pool, request: RouteRequest, around: Surroundings): AutoPick {
  const probe = {
    pool,
    request,
    around,
    session: hashText(request.sessionKey),
    needed: neededCapabilities(request.needs),
    strictOutput: true,
  };
  let survey = surveyOf(probe);
  // Many clients ask for more output than most models can write; that alone must not leave a caller without a model.
  if (survey.fits.length === 0 && survey.shortOutput) survey = surveyOf({ ...probe, strictOutput: false });
  const ballot = vote(shortlist(survey.fits, around.weighing), around.weighing, around.group);
  const models = ballot.ranked.map(({ entrant }) => entrant);
  const candidates: Candidate[] = ballot.ranked.map(({ entrant, score, lost }) => described(entrant, score, lost));
  candidates.push(...survey.refused.slice(0, CANDIDATES_MAX - candidates.length));
  listOtherTiers(pool, request, candidates);
  return {
    chosen: models[0] ?? null,
    others: models.slice(1),
    routersChoice: ballot.routersChoice,
    candidates,
    waitsForHealth: survey.waitsForHealth,
    reason: reasonOf(ballot, around.group),
  };
}

function surveyOf(probe: Probe): Survey {
  const survey: Survey = { fits: [], refused: [], waitsForHealth: false, shortOutput: false };
  const { pool, request } = probe;
  for (const tier of TIERS) {
    if (!request.allowedTiers.includes(tier)) continue;
    for (const pooled of pool.enabledIn(tier)) {
      const { price } = pooled.model;
      if (price === null) continue;
      const obstacle = obstacleTo(pooled, probe);
      const health = obstacle === null ? healthyShare(pooled, probe.around.isHealthy) : 0;
      if (health > 0) {
        survey.fits.push(entrantOf(pooled, price, health, probe));
        continue;
      }
      if (obstacle === null) survey.waitsForHealth = true;
      if (obstacle === SHORT_OUTPUT) survey.shortOutput = true;
      if (survey.refused.length < CANDIDATES_MAX) survey.refused.push(refusal(pooled, obstacle ?? ALL_BREAKERS_OPEN));
    }
  }
  return survey;
}

/** The best few by score: what is recorded of a decision is all that it was made from. */
function shortlist(fits: ScoredModel[], { weights }: Weighing): readonly ScoredModel[] {
  if (fits.length <= CANDIDATES_MAX) return fits;
  const scores = new Map(fits.map((model) => [model, scoreOf(model.factors, weights)]));
  return fits.sort((left, right) => (scores.get(right) ?? 0) - (scores.get(left) ?? 0)).slice(0, CANDIDATES_MAX);
}

const SHORT_OUTPUT = 'writes fewer output tokens than the request allows';
const ALL_BREAKERS_OPEN = 'no healthy endpoint: all breakers open';

/** Why a model cannot serve the request, whatever the state of its endpoints; `null` when it can. */
function obstacleTo(pooled: PooledModel, probe: Probe): string | null {
  const { needs, isBlacklisted } = probe.request;
  const { model } = pooled;
  if (pooled.sandbox && probe.pool.hasRealModel) return 'sandbox, and real models are enabled';
  if ((probe.needed & ~pooled.capabilities) !== 0) return `cannot do ${nameMissing(probe.needed, pooled.capabilities)}`;
  const neededTokens = needs.inputTokens + Math.min(needs.outputTokens, model.maxOutputTokens);
  if (neededTokens > model.contextWindow) {
    return `context window ${model.contextWindow} is below the estimated ${neededTokens} tokens`;
  }
  if (probe.strictOutput && needs.outputTokens > model.maxOutputTokens) return SHORT_OUTPUT;
  if (isBlacklisted(model)) return 'blacklisted';
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

/** Fills the explanation with enabled models of tiers that are not allowed. */
function listOtherTiers(pool: Pool, request: RouteRequest, candidates: Candidate[]): void {
  for (const tier of TIERS) {
    if (request.allowedTiers.includes(tier)) continue;
    for (const pooled of pool.enabledIn(tier)) {
      if (candidates.length >= CANDIDATES_MAX) return;
      candidates.push(refusal(pooled, 'tier not allowed'));
    }
  }
}

function reasonOf({ ranked, equals }: Ballot<ScoredModel>, group: RoutingGroup): string {
  const [first] = ranked;
  if (first === undefined) return 'no model can serve this request';
  const { tier, factors, usd } = first.entrant;
  const figures = `score ${first.score.toFixed(3)} (expected quality ${factors.quality.toFixed(2)}, about ${usd.toPrecision(2)} USD, ${tier} rates)`;
  if (group === 'control') return `drawn for the control group: ${figures}`;
  return equals > 1
    ? `drawn for this session among ${equals} models of near-equal score: ${figures}`
    : `best ${figures}`;
}

function described(model: ScoredModel, score: number, lost: string | null): Candidate {
  const { modelKey, tier, factors, lot, share, usd } = model;
  return { modelKey, tier, score, lost, weighed: { factors, lot, share, usd } };
}

function refusal(pooled: PooledModel, lost: string): Candidate {
  return { modelKey: pooled.model.modelKey, tier: pooled.model.tier, score: null, lost };
}

/** Four places are enough for an order, and short in a record. */
function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
