import { TIERS } from '../../wallet/index.js';
import { vote, type Ballot, type RoutingGroup } from './ballot.js';
import {
  ALL_BREAKERS_OPEN,
  canServe,
  judged,
  refusal,
  TIER_NOT_ALLOWED,
  type Probe,
  type ScoredModel,
  type Surroundings,
} from './candidates.js';
import { neededCapabilities } from './capability.js';
import { hashText } from './hash.js';
import type { Candidate, RouteRequest } from './model.js';
import type { Pool } from './pool.js';
import { allowedModels, surveyOf } from './shortlist.js';

export type { ScoredModel, Surroundings } from './candidates.js';

/** Most models that one decision looks at closely and explains. */
export const CANDIDATES_MAX = 50;

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

/**
 * Chooses a model for `auto`. The same request on the same pool in the same surroundings gives the same answer in every
 * process.
 */
export function pickAuto(pool: Pool, request: RouteRequest, around: Surroundings): AutoPick {
  const session = hashText(request.sessionKey);
  let probe: Probe = { pool, request, around, session, needed: neededCapabilities(request.needs), strictOutput: true };
  let survey = surveyOf(probe, CANDIDATES_MAX);
  if (survey.fits.length === 0) {
    // Many clients ask for more output than most models can write; that alone must not leave a caller without a model.
    probe = { ...probe, strictOutput: false };
    survey = surveyOf(probe, CANDIDATES_MAX);
  }
  const { fits, refused } = survey;
  const ballot = vote(fits, around.weighing, around.group);
  const models = ballot.ranked.map(({ entrant }) => entrant);
  const candidates: Candidate[] = ballot.ranked.map(({ entrant, score, lost }) => described(entrant, score, lost));
  if (refused === null) listRefused(probe, candidates);
  else candidates.push(...refused.slice(0, CANDIDATES_MAX - candidates.length));
  listOtherTiers(pool, request, candidates);
  return {
    chosen: models[0] ?? null,
    others: models.slice(1),
    routersChoice: ballot.routersChoice,
    candidates,
    waitsForHealth: fits.length === 0 && lacksOnlyHealth(probe),
    reason: reasonOf(ballot, around.group),
  };
}

/** Fills the explanation with models that cannot serve, and why. */
function listRefused(probe: Probe, candidates: Candidate[]): void {
  for (const [pooled, price] of allowedModels(probe)) {
    if (candidates.length >= CANDIDATES_MAX) return;
    const model = judged(pooled, price, probe);
    if (!canServe(model)) candidates.push(model);
  }
}

/** Whether a model lacks nothing but a healthy endpoint; asked only when nobody can serve. */
function lacksOnlyHealth(probe: Probe): boolean {
  for (const [pooled, price] of allowedModels(probe)) {
    const model = judged(pooled, price, probe);
    if (!canServe(model) && model.lost === ALL_BREAKERS_OPEN) return true;
  }
  return false;
}

/** Fills the explanation with enabled models of tiers that are not allowed. */
function listOtherTiers(pool: Pool, request: RouteRequest, candidates: Candidate[]): void {
  for (const tier of TIERS) {
    if (request.allowedTiers.includes(tier)) continue;
    for (const pooled of pool.enabledIn(tier)) {
      if (candidates.length >= CANDIDATES_MAX) return;
      candidates.push(refusal(pooled, TIER_NOT_ALLOWED));
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
