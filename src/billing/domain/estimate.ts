import { micros, parseDecimal, type Micros } from '../../platform/money/index.js';
import type { PriceRates } from '../../router/index.js';
import { countPromptTokens } from './count-tokens.js';
import { priceOf } from './price.js';

/** Output tokens that the freeze of a stream covers at first; extensions grow it while tokens flow. */
export const STREAM_FIRST_TOKENS = 1_024;
const SMALLEST_AMOUNT = micros(1);

/** The settings that an estimate needs; `Config` has them. */
export interface EstimateSettings {
  DEFAULT_MAX_OUTPUT_TOKENS: number;
  /** Decimal credits. */
  DEFAULT_FREEZE_CREDITS: string;
}

/** What a model may write, output tokens of one choice. */
export interface ModelOutput {
  maxTokens: number;
  /** Without showing them. */
  hiddenTokens: number;
}

/** A model that shows everything. */
const SHOWS_ALL: ModelOutput = { maxTokens: Number.MAX_SAFE_INTEGER, hiddenTokens: 0 };

/** Tokens of a request before any price is known. */
export interface TokenEstimate {
  /** Prompt tokens; 0 when nothing can be estimated. */
  inputTokens: number;
  /** Most output tokens asked for over all choices, or the default. */
  outputTokens: number;
}

/** What to freeze for a request. */
export interface CostEstimate {
  inputTokens: number;
  /** Answers asked for (`n`). */
  choices: number;
  /** Output tokens, over all choices, that the amount covers. */
  outputTokens: number;
  /** Those among them that may come unseen. */
  hiddenTokens: number;
  /** The request's own maximum over all choices; `null` when it has none. */
  requestedTokens: number | null;
  /** Never below one micro-credit. */
  amountMicros: Micros;
}

type Body = Readonly<Record<string, unknown>>;

/** Tokens of a request: the prompt by its characters, the output by its maximum or the default. */
export function estimateTokens(body: Body, settings: EstimateSettings): TokenEstimate {
  return {
    inputTokens: countPromptTokens(body) ?? 0,
    outputTokens: (requestedMax(body) ?? settings.DEFAULT_MAX_OUTPUT_TOKENS) * choicesOf(body),
  };
}

/** Output tokens that the first freeze covers: of a stream its beginning, of everything else the whole maximum. */
export function firstFreezeTokens(body: Body, { outputTokens }: TokenEstimate): number {
  return body['stream'] === true ? Math.min(outputTokens, STREAM_FIRST_TOKENS * choicesOf(body)) : outputTokens;
}

/**
 * The freeze of a request at a price. A stream covers what may come unseen and at most the first 1024 output tokens a choice that
 * can be seen, everything else its whole maximum; without a maximum a plain call covers what may come unseen and the default. When
 * there is nothing to estimate from, the default amount.
 * @param counted the request's `estimateTokens`, when it has been made already.
 */
export function estimate(
  body: Body,
  rates: PriceRates,
  settings: EstimateSettings,
  counted?: TokenEstimate,
  model: ModelOutput = SHOWS_ALL,
): CostEstimate {
  const inputTokens = counted?.inputTokens ?? countPromptTokens(body) ?? 0;
  const choices = choicesOf(body);
  const requested = requestedMax(body);
  const hidden = Math.min(model.hiddenTokens, requested ?? model.maxTokens);
  const seen = requested === null ? settings.DEFAULT_MAX_OUTPUT_TOKENS : requested - hidden;
  const first = hidden + (body['stream'] === true ? Math.min(seen, STREAM_FIRST_TOKENS) : seen);
  const outputTokens = (hidden > 0 && requested === null ? Math.min(first, model.maxTokens) : first) * choices;
  const isKnown = inputTokens > 0;
  const price = isKnown
    ? priceOf({ inputTokens, outputTokens, cachedInputTokens: 0, cachedOutputTokens: 0 }, rates)
    : micros(parseDecimal(settings.DEFAULT_FREEZE_CREDITS) ?? 0n);
  return {
    inputTokens,
    choices,
    outputTokens,
    hiddenTokens: hidden * choices,
    requestedTokens: requested === null ? null : requested * choices,
    amountMicros: price < SMALLEST_AMOUNT ? SMALLEST_AMOUNT : price,
  };
}

/** How a stream stands against its freeze, in output tokens over all choices. */
export interface StreamProgress {
  deliveredTokens: number;
  coveredTokens: number;
  outputTokensMax: number;
}

/**
 * Output tokens by which a stream's freeze has to grow now; 0 when it need not. The rule: never more than half of the
 * covered output has flowed, unless the request's maximum is covered. Grows in steps of 1024, several at once after a burst.
 */
export function nextExtension(progress: StreamProgress): number {
  const { deliveredTokens, coveredTokens, outputTokensMax } = progress;
  if (coveredTokens >= outputTokensMax || deliveredTokens * 2 < coveredTokens) return 0;
  const steps = Math.floor((deliveredTokens * 2 - coveredTokens) / STREAM_FIRST_TOKENS) + 1;
  return Math.min(steps * STREAM_FIRST_TOKENS, outputTokensMax - coveredTokens);
}

/** Of the two maxima the larger counts; `null` when neither is a positive integer. */
function requestedMax(body: Body): number | null {
  const maxima = [body['max_tokens'], body['max_completion_tokens']].filter(isPositiveInteger);
  return maxima.length === 0 ? null : Math.max(...maxima);
}

function choicesOf(body: Body): number {
  return isPositiveInteger(body['n']) ? body['n'] : 1;
}

function isPositiveInteger(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}
