import type { Tier } from '../../wallet/index.js';
import { compareText } from './endpoint-order.js';
import { scoreOf, type Factors, type Weighing } from './weights.js';

/** Who serves a request: the best by score, or, to have something to compare with, one drawn by lot. */
export type RoutingGroup = 'router' | 'control';

/** One model that can serve, with everything that the choice looks at. */
export interface Entrant {
  modelKey: string;
  tier: Tier;
  factors: Factors;
  /** Lot of this model for this session, between 0 and 1. */
  lot: number;
  /** How often the control group draws it for requests like this; only ratios count. */
  share: number;
}

export interface RankedEntrant<T extends Entrant> {
  entrant: T;
  score: number;
  /** Why it was not chosen; `null` for the chosen one. */
  lost: string | null;
}

/** The result of a choice. */
export interface Ballot<T extends Entrant> {
  /** The chosen one, then the others by score. */
  ranked: readonly RankedEntrant<T>[];
  /** What the router would choose; the chosen one unless this is the control group. */
  routersChoice: T | null;
  /** How many scores were as good as the best. */
  equals: number;
}

/**
 * The choice itself, from recorded numbers alone: the same entrants, weights and group give the same answer, today and when
 * it is replayed.
 */
export function vote<T extends Entrant>(entrants: readonly T[], weighing: Weighing, group: RoutingGroup): Ballot<T> {
  const scored = entrants
    .map((entrant) => ({ entrant, score: scoreOf(entrant.factors, weighing.weights) }))
    .sort((left, right) => right.score - left.score || compareText(left.entrant.modelKey, right.entrant.modelKey));
  const best = scored[0]?.score ?? 0;
  const equals = scored.filter(({ score }) => score >= best - weighing.nearEqual);
  const routersChoice = highest(equals, ({ entrant }) => entrant.lot);
  const chosen = group === 'control' ? (drawn(scored) ?? routersChoice) : routersChoice;
  const lostOf = (item: (typeof scored)[number]): string => {
    if (group === 'control') return 'not drawn for the control group';
    return equals.includes(item)
      ? 'near-equal score, drawn for other sessions'
      : `lower score: ${weakness(item, chosen, weighing)}`;
  };
  const others = scored.filter((item) => item !== chosen);
  const ranked = [
    ...(chosen === null ? [] : [{ ...chosen, lost: null }]),
    ...others.map((item) => ({ ...item, lost: lostOf(item) })),
  ];
  return { ranked, routersChoice: routersChoice?.entrant ?? null, equals: equals.length };
}

/** The control group: a session keeps its model, too; else the lot decides, whatever the request is: the highest of `ln(lot) / share` wins as often as its share says. */
function drawn<T extends { entrant: Entrant }>(scored: readonly T[]): T | null {
  const kept = scored.find(({ entrant }) => entrant.factors.stickiness === 1);
  // While nothing is known of what the router chooses for such requests, its own choice is the only fair one.
  const known = scored.filter(({ entrant }) => entrant.share > 0);
  return kept ?? highest(known, ({ entrant }) => Math.log(entrant.lot) / entrant.share);
}

function highest<T>(items: readonly T[], measure: (item: T) => number): T | null {
  let best: T | null = null;
  for (const item of items) if (best === null || measure(item) > measure(best)) best = item;
  return best;
}

/** The factor by which a model lost most, e.g. `price`. */
function weakness(loser: { entrant: Entrant }, winner: { entrant: Entrant } | null, { weights }: Weighing): string {
  if (winner === null) return 'score';
  let worst = 'score';
  let most = 0;
  for (const [factor, weight] of Object.entries(weights)) {
    const name = factor as keyof Factors;
    const behind = weight * (winner.entrant.factors[name] - loser.entrant.factors[name]);
    if (behind > most) [worst, most] = [name, behind];
  }
  return worst;
}
