import { TIERS } from '../../wallet/index.js';
import { nameMissing, neededCapabilities } from './capability.js';
import { compareText } from './endpoint-order.js';
import { drawFor, hashText } from './hash.js';
import type { Candidate, RouteRequest } from './model.js';
import type { Pool, PooledModel, RankedModel } from './pool.js';
import { NEAR_EQUAL_SCORE, SCORE_WEIGHTS, TOKEN_MIXES, tokenMixOf, totalScore } from './score.js';

/** Most models that one decision explains. */
export const CANDIDATES_MAX = 50;

/** A model that can serve the request now. */
export interface ScoredModel extends RankedModel {
  score: number;
}

export interface AutoPick {
  /** `null` when no model can serve the request. */
  chosen: ScoredModel | null;
  /** Other candidates, best first; complete as far as scores near the best one go. */
  others: readonly ScoredModel[];
  /** The chosen one, then the others by score, then who was refused and why; at most `CANDIDATES_MAX`. */
  candidates: readonly Candidate[];
  /** At least one model lacks nothing but a healthy endpoint. */
  waitsForHealth: boolean;
  /** One sentence. */
  reason: string;
}

/** One pass over the ranking. */
interface Survey {
  fits: ScoredModel[];
  refused: Candidate[];
  waitsForHealth: boolean;
  shortOutput: boolean;
}

/**
 * Chooses a model for `auto`. The same request on the same pool with the same health gives the same answer in every
 * process. A session keeps its model as long as that is a candidate with a near-best score.
 */
export function pickAuto(pool: Pool, request: RouteRequest, isHealthy: (endpointId: string) => boolean): AutoPick {
  const mix = tokenMixOf(request.needs);
  const ranking = pool.ranking(request.allowedTiers, mix);
  const probe = { pool, request, isHealthy, needed: neededCapabilities(request.needs), strictOutput: true };
  let survey = surveyOf(ranking, probe);
  // Many clients ask for more output than most models can write; that alone must not leave a caller without a model.
  if (survey.fits.length === 0 && survey.shortOutput) survey = surveyOf(ranking, { ...probe, strictOutput: false });
  const { fits, refused, waitsForHealth } = survey;
  fits.sort((left, right) => right.score - left.score || compareText(keyOf(left), keyOf(right)));
  const equals = fits.filter((model) => model.score >= (fits[0]?.score ?? 0) - NEAR_EQUAL_SCORE);
  const chosen = drawForSession(equals, request.sessionKey);
  const others = fits.filter((model) => model !== chosen);
  const candidates = explain(chosen, others, equals, refused);
  listOtherTiers(pool, request, candidates);
  return { chosen, others, candidates, waitsForHealth, reason: reasonOf(chosen, equals.length, mix) };
}

interface Probe {
  pool: Pool;
  request: RouteRequest;
  isHealthy: (endpointId: string) => boolean;
  needed: number;
  /** Refuse models that cannot write as many tokens as the request allows. */
  strictOutput: boolean;
}

/** Goes down the ranking until no later model can come near the best score and enough models are explained. */
function surveyOf(ranking: readonly RankedModel[], probe: Probe): Survey {
  const survey: Survey = { fits: [], refused: [], waitsForHealth: false, shortOutput: false };
  let bestScore = Number.NEGATIVE_INFINITY;
  for (const ranked of ranking) {
    const outOfReach = ranked.merit + SCORE_WEIGHTS.health < bestScore - NEAR_EQUAL_SCORE;
    if (outOfReach && survey.fits.length + survey.refused.length >= CANDIDATES_MAX) break;
    const obstacle = obstacleTo(ranked.pooled, probe);
    const health = obstacle === null ? healthyShare(ranked.pooled, probe.isHealthy) : 0;
    if (health > 0) {
      const score = totalScore(ranked.merit, health);
      bestScore = Math.max(bestScore, score);
      survey.fits.push({ pooled: ranked.pooled, price: ranked.price, merit: ranked.merit, score });
      continue;
    }
    if (obstacle === null) survey.waitsForHealth = true;
    if (obstacle === SHORT_OUTPUT) survey.shortOutput = true;
    if (survey.refused.length < CANDIDATES_MAX)
      survey.refused.push(refusal(ranked.pooled, obstacle ?? ALL_BREAKERS_OPEN));
  }
  return survey;
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

/** Rendezvous: different sessions spread over equals, one session always draws the same. */
function drawForSession(equals: readonly ScoredModel[], sessionKey: string): ScoredModel | null {
  if (equals.length <= 1) return equals[0] ?? null;
  const session = hashText(sessionKey);
  const draw = (model: ScoredModel): number => drawFor(session, model.pooled.hash);
  return equals.reduce((best, next) => (draw(next) > draw(best) ? next : best));
}

function explain(
  chosen: ScoredModel | null,
  others: readonly ScoredModel[],
  equals: readonly ScoredModel[],
  refused: readonly Candidate[],
): Candidate[] {
  const list: Candidate[] = [];
  if (chosen !== null) list.push(described(chosen, null));
  for (const other of others) {
    if (list.length >= CANDIDATES_MAX) break;
    list.push(described(other, equals.includes(other) ? 'near-equal score, drawn for other sessions' : 'lower score'));
  }
  return list.concat(refused.slice(0, CANDIDATES_MAX - list.length));
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

function reasonOf(chosen: ScoredModel | null, equals: number, mix: number): string {
  if (chosen === null) return 'no model can serve this request';
  const kind = TOKEN_MIXES[mix]?.name ?? 'mixed';
  const figures = `score ${chosen.score.toFixed(3)} (MCI ${chosen.pooled.model.mciScore}, ${chosen.pooled.model.tier} rates, request of ${kind} tokens)`;
  return equals > 1
    ? `drawn for this session among ${equals} models of near-equal score: ${figures}`
    : `best ${figures}`;
}

const keyOf = (model: ScoredModel): string => model.pooled.model.modelKey;

function described(model: ScoredModel, lost: string | null): Candidate {
  return { modelKey: keyOf(model), tier: model.pooled.model.tier, score: model.score, lost };
}

function refusal(pooled: PooledModel, lost: string): Candidate {
  return { modelKey: pooled.model.modelKey, tier: pooled.model.tier, score: null, lost };
}
