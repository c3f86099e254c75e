import type { UsdMicros } from '../../platform/money/index.js';
import type { PriceRates, RequestNeeds } from './model.js';

/**
 * The choice of `auto`: score = quality × 0.45 + cheapness × 0.45 + health × 0.10, each between 0 and 1.
 *
 * - quality: MCI score / 100;
 * - cheapness: logarithm of the price, see `cheapness`. Together with the weights: ten times the price has to buy 25 MCI
 *   points;
 * - health: share of the model's enabled endpoints whose breaker is closed. Small, because a model without any healthy
 *   endpoint is no candidate at all.
 *
 * Every factor looks at one model only, so a model that joins or leaves never changes the order of the others.
 * Scores are for ordering, never for charging: floating point is fine here.
 */
export const SCORE_WEIGHTS = { quality: 0.45, price: 0.45, health: 0.1 } as const;

/** Scores this close to the best one count as equal (a tenth of the price, one MCI point); sessions spread over such models. */
export const NEAR_EQUAL_SCORE = 0.005;

/** USD for a million tokens at which cheapness is 1, and the decades from there to 0 (100 USD). */
const CHEAPEST_USD_PER_MTOK = 0.01;
const PRICE_DECADES = 4;

/**
 * Kinds of request by the share of input among its estimated tokens. Coarse on purpose: the price is the price of *this*
 * request, but a talk that grows by a message keeps its scores, and with them its model.
 */
export const TOKEN_MIXES = [
  { name: 'mostly output', belowInputShare: 0.25, inputShare: 0.15 },
  { name: 'mixed', belowInputShare: 0.9, inputShare: 0.6 },
  { name: 'mostly input', belowInputShare: Number.POSITIVE_INFINITY, inputShare: 0.96 },
] as const;

/** Index into `TOKEN_MIXES`. */
export function tokenMixOf(needs: Pick<RequestNeeds, 'inputTokens' | 'outputTokens'>): number {
  const total = needs.inputTokens + needs.outputTokens;
  const inputShare = total > 0 ? needs.inputTokens / total : 0.5;
  return TOKEN_MIXES.findIndex((mix) => inputShare < mix.belowInputShare);
}

/**
 * USD for a million tokens of the given mix. Credits of different tiers cost different amounts, hence the USD.
 * @param usdPerCredit micro-USD for one credit of the model's tier
 */
export function blendedUsdPerMtok(rates: PriceRates, usdPerCredit: UsdMicros, mix: number): number {
  const inputShare = TOKEN_MIXES[mix]?.inputShare ?? 0.5;
  const microsPerMtok = Number(rates.inputPerMtok) * inputShare + Number(rates.outputPerMtok) * (1 - inputShare);
  return (microsPerMtok / 1e6) * (Number(usdPerCredit) / 1e6);
}

/** 1 at 0.01 USD for a million tokens or less, then a quarter less for each tenfold price, 0 from 100 USD on. */
export function cheapness(usdPerMtok: number): number {
  if (usdPerMtok <= CHEAPEST_USD_PER_MTOK) return 1;
  return Math.max(0, 1 - Math.log10(usdPerMtok / CHEAPEST_USD_PER_MTOK) / PRICE_DECADES);
}

/** The part of the score that does not change between two changes of the pool. */
export function merit(mciScore: number, usdPerMtok: number): number {
  return SCORE_WEIGHTS.quality * (mciScore / 100) + SCORE_WEIGHTS.price * cheapness(usdPerMtok);
}

/** The whole score, rounded to six places so that equal models are equal on every machine. */
export function totalScore(meritValue: number, healthyShare: number): number {
  return Math.round((meritValue + SCORE_WEIGHTS.health * healthyShare) * 1e6) / 1e6;
}
