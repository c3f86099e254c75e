import type { UsdMicros } from '../../platform/money/index.js';
import type { PriceRates, RequestNeeds } from './model.js';

/** Formulas of the factors. Each looks at one model only, so a model that joins or leaves never changes the order of the others. */

/** USD for a million tokens at which cheapness is 1, and the decades from there to 0 (100 USD). */
const CHEAPEST_USD_PER_MTOK = 0.01;
const PRICE_DECADES = 4;

/** Seconds to a whole answer up to which speed is 1, and the doublings from there to 0 (64 s). */
const FASTEST_S = 0.5;
const SPEED_DOUBLINGS = 7;
/** Nobody knows how much a model will write; most answers are not longer. */
const USUAL_OUTPUT_TOKENS = 512;

const DEMAND_MIN = 0.1;

/**
 * Quality expected on this request: the share of such requests that the model gets right. MCI / 100 is the share on an average
 * request; a demanding one (demand 1) is like two of them in a row, an easy one (0) like a fifth of one.
 * @param demand between 0 and 1; 0.5 is an average request.
 */
export function expectedQuality(mciScore: number, demand: number): number {
  return (mciScore / 100) ** (2 * Math.max(DEMAND_MIN, demand));
}

/** What the estimated tokens of a request cost at these rates, in USD. Credits of different tiers cost different amounts, hence the USD. */
export function usdOf(rates: PriceRates, usdPerCredit: UsdMicros, tokens: TokenCount): number {
  return (creditsOf(rates, tokens) * Number(usdPerCredit)) / 1e6;
}

/** What the tokens cost in credits; a forecast for ordering, never for charging: floating point is fine here. */
export function creditsOf(rates: PriceRates, { inputTokens, outputTokens }: TokenCount): number {
  return (Number(rates.inputPerMtok) * inputTokens + Number(rates.outputPerMtok) * outputTokens) / 1e12;
}

export type TokenCount = Pick<RequestNeeds, 'inputTokens' | 'outputTokens'>;

/** 1 at 0.01 USD for a million tokens or less, then a quarter less for each tenfold price, 0 from 100 USD on. */
export function cheapness(usdPerMtok: number): number {
  if (usdPerMtok <= CHEAPEST_USD_PER_MTOK) return 1;
  return Math.max(0, 1 - Math.log10(usdPerMtok / CHEAPEST_USD_PER_MTOK) / PRICE_DECADES);
}

/** How fast an endpoint has been lately. */
export interface Speed {
  /** `null` while no stream has been seen. */
  firstTokenMs: number | null;
  /** `null` while no answer was long enough to tell. */
  tokensPerS: number | null;
}

/** Seconds that an answer of this request takes; what is not known of the speed counts as nothing. */
export function expectedSeconds(speed: Speed, outputTokens: number): number {
  const writingS = speed.tokensPerS === null ? 0 : Math.min(outputTokens, USUAL_OUTPUT_TOKENS) / speed.tokensPerS;
  return (speed.firstTokenMs ?? 0) / 1000 + writingS;
}

/**
 * 1 up to half a second, then a seventh less for each doubling, in steps of a seventh: small differences are noise. An endpoint
 * nobody knows counts as fast, so that it gets known.
 */
export function swiftness(seconds: number): number {
  if (seconds <= FASTEST_S) return 1;
  return Math.max(0, 1 - Math.round(Math.log2(seconds / FASTEST_S)) / SPEED_DOUBLINGS);
}

/** Share of the wanted tags that a model has. */
export function tagShare(wanted: readonly string[], has: (tag: string) => boolean): number {
  return wanted.length === 0 ? 0 : wanted.filter(has).length / wanted.length;
}
