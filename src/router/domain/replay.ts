import { z } from 'zod';
import { TIERS } from '../../wallet/index.js';
import { vote, type Entrant } from './ballot.js';
import { FACTORS, scoreOf, type Factors, type Weights } from './weights.js';

/** Of the formulas from factors to choice. A change of them is a new version. */
export const DECISION_VERSION = 1;

const numbers = z.object(Object.fromEntries(FACTORS.map((name) => [name, z.number()])));
const candidate = z.object({
  model_key: z.string(),
  tier: z.enum(TIERS),
  score: z.number().nullable(),
  factors: numbers.optional(),
  lot: z.number().optional(),
  share: z.number().optional(),
});

/** What a trace keeps of a choice of `auto`. */
const recorded = z.object({
  selected_model: z.string(),
  candidates: z.array(candidate),
  decision: z.object({
    version: z.literal(DECISION_VERSION),
    group: z.enum(['router', 'control']),
    weights: numbers,
    near_equal: z.number(),
  }),
});

/** A recorded choice, made again. */
export interface Replay {
  group: 'router' | 'control';
  /** What was chosen then. */
  storedModel: string;
  /** What is chosen from the same numbers now. */
  replayedModel: string | null;
  /** The same model, and the same score for every candidate. */
  same: boolean;
  candidates: readonly { modelKey: string; storedScore: number | null; replayedScore: number }[];
}

/**
 * Makes a choice again from the facts of its trace.
 * @returns `null` when the facts hold no decision of this version.
 */
export function replay(facts: unknown): Replay | null {
  const result = recorded.safeParse(facts);
  if (!result.success) return null;
  const { candidates, decision, selected_model: storedModel } = result.data;
  const weights = decision.weights as Weights;
  const entrants = candidates.flatMap((entry): (Entrant & { storedScore: number | null })[] => {
    const { model_key: modelKey, tier, score, factors, lot = 0, share = 0 } = entry;
    if (factors === undefined) return [];
    return [{ modelKey, tier, factors: factors as Factors, lot, share, storedScore: score }];
  });
  const ballot = vote(entrants, { weights, nearEqual: decision.near_equal }, decision.group);
  const replayedModel = ballot.ranked[0]?.entrant.modelKey ?? null;
  const scores = ballot.ranked.map(({ entrant }) => ({
    modelKey: entrant.modelKey,
    storedScore: entrant.storedScore,
    replayedScore: scoreOf(entrant.factors, weights),
  }));
  const same = replayedModel === storedModel && scores.every((score) => score.storedScore === score.replayedScore);
  return { group: decision.group, storedModel, replayedModel, same, candidates: scores };
}
