import { micros, MICROS_PER_UNIT, type Micros } from '../../platform/money/index.js';
import type { PriceRates } from '../../router/index.js';
import type { CostEstimate } from './estimate.js';
import { priceOf } from './price.js';

/** A request takes at most this part of what is available in one step, so that others can begin, too. */
const WALLET_PARTS = 32n;
/** Smallest step of a wallet that is not empty yet, output tokens a choice. */
const STEP_LEAST_TOKENS = 64;
/** An answer of fewer output tokens a choice is not worth beginning. */
export const ANSWER_LEAST_TOKENS = 16;

/** Whole output tokens that an amount pays for; `MAX_SAFE_INTEGER` when output costs nothing. */
export function outputTokensFor(amountMicros: bigint, rates: PriceRates): number {
  if (amountMicros <= 0n) return 0;
  if (rates.outputPerMtok === 0n) return Number.MAX_SAFE_INTEGER;
  const tokens = (amountMicros * MICROS_PER_UNIT) / rates.outputPerMtok;
  return tokens > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(tokens);
}

/**
 * A step of a stream's freeze in output tokens: as wanted while the wallet is full, smaller as it runs low.
 * @param seenMicros what was last seen available; `null` when nothing is known.
 */
export function elasticStep(
  wantedTokens: number,
  seenMicros: Micros | null,
  rates: PriceRates,
  choices: number,
): number {
  if (seenMicros === null) return wantedTokens;
  const part = outputTokensFor(seenMicros / WALLET_PARTS, rates);
  return Math.min(wantedTokens, Math.max(part, STEP_LEAST_TOKENS * choices));
}

/** The first freeze of a stream; see `elasticStep`. Only what can be seen is made smaller: the rest cannot be stopped. */
export function elasticFreeze(estimate: CostEstimate, rates: PriceRates, seenMicros: Micros | null): CostEstimate {
  const { outputTokens, hiddenTokens, choices } = estimate;
  const step = elasticStep(outputTokens - hiddenTokens, seenMicros, rates, choices);
  const tokens = hiddenTokens + step;
  return tokens >= outputTokens ? estimate : withOutput(estimate, rates, Math.floor(tokens / choices));
}

/**
 * The part of an estimate that an amount pays for: the whole prompt and as much output as is left.
 * @returns `null` when that is hardly any output beyond what may come unseen, or when the prompt could not be estimated.
 */
export function affordablePart(
  estimate: CostEstimate,
  rates: PriceRates,
  availableMicros: Micros,
): CostEstimate | null {
  const { inputTokens, outputTokens, hiddenTokens, choices } = estimate;
  if (inputTokens === 0) return null;
  // The price of prompt and output together is rounded up once, so a whole micro-credit is never lost between them.
  const budget = availableMicros * MICROS_PER_UNIT - BigInt(inputTokens) * rates.inputPerMtok;
  if (budget <= 0n) return null;
  const tokens = rates.outputPerMtok === 0n ? BigInt(outputTokens) : budget / rates.outputPerMtok;
  const all = tokens < BigInt(outputTokens) ? Number(tokens) : outputTokens;
  const perChoice = Math.floor(all / choices);
  return perChoice < hiddenTokens / choices + ANSWER_LEAST_TOKENS ? null : withOutput(estimate, rates, perChoice);
}

function withOutput(estimate: CostEstimate, rates: PriceRates, tokensPerChoice: number): CostEstimate {
  const { inputTokens, choices } = estimate;
  const outputTokens = tokensPerChoice * choices;
  const price = priceOf({ inputTokens, outputTokens, cachedInputTokens: 0, cachedOutputTokens: 0 }, rates);
  return { ...estimate, outputTokens, amountMicros: price > 0n ? price : micros(1) };
}
