import type { Knob } from './knob.js';

/**
 * What a choice weighs. `balance` is a penalty for models whose freeze the wallet does not pay; the others are weights of
 * factors between 0 and 1, and only their ratio counts.
 */
export const FACTORS = ['quality', 'price', 'latency', 'health', 'stickiness', 'tags', 'balance'] as const;
export type Factor = (typeof FACTORS)[number];
export type Weights = Readonly<Record<Factor, number>>;
/** Factors of one candidate, each between 0 and 1. */
export type Factors = Readonly<Record<Factor, number>>;

export const DEFAULT_WEIGHTS: Weights = {
  quality: 0.45,
  price: 0.45,
  latency: 0.1,
  health: 0.1,
  stickiness: 0.15,
  tags: 0.1,
  balance: 1,
};

/** Of the weight of quality and price together: what a preset leaves to the side that it does not favour. */
const TIE_BREAKER = 0.001;
const FAST_SHARE = 0.7;

/** Scores this close to the best one count as equal; sessions spread over such models. */
const NEAR_EQUAL_SCORE = 0.004;

/** The weights of one request and the margin within which scores count as equal. */
export interface Weighing {
  weights: Weights;
  nearEqual: number;
}

/** The policy's weights, turned by the caller's knob. What quality and price weigh together stays the same. */
export function weighingOf(own: Partial<Weights>, knob: Knob): Weighing {
  const weights = { ...DEFAULT_WEIGHTS, ...own };
  const both = weights.quality + weights.price;
  // An operator may have set both to 0; a caller who asks for one of them means it.
  const total = both > 0 ? both : DEFAULT_WEIGHTS.quality + DEFAULT_WEIGHTS.price;
  if (knob === null) return { weights, nearEqual: NEAR_EQUAL_SCORE };
  if (knob === 'fast') {
    const rest = (total * (1 - FAST_SHARE)) / 2;
    return {
      weights: { ...weights, quality: rest, price: rest, latency: total * FAST_SHARE },
      nearEqual: NEAR_EQUAL_SCORE,
    };
  }
  const share = knob === 'cheap' ? TIE_BREAKER : knob === 'best' ? 1 - TIE_BREAKER : knob;
  const isExact = typeof knob === 'string' || knob === 0 || knob === 1;
  return {
    weights: { ...weights, quality: total * share, price: total * (1 - share) },
    nearEqual: isExact ? 0 : NEAR_EQUAL_SCORE,
  };
}

/**
 * The score: the weighted mean of the factors, less the penalty for an empty purse. Rounded, so that equal models are equal on
 * every machine.
 */
export function scoreOf(factors: Factors, weights: Weights): number {
  let sum = 0;
  let total = 0;
  for (const factor of FACTORS) {
    if (factor === 'balance') continue;
    sum += weights[factor] * factors[factor];
    total += weights[factor];
  }
  const mean = total > 0 ? sum / total : 0;
  return Math.round((mean - weights.balance * (1 - factors.balance)) * 1e6) / 1e6;
}
