import { Injectable } from '@nestjs/common';
import { BUCKETS, TextFeatures, type SparseVector } from './text-features.js';
import { MEASURES } from './text-measures.js';
import { GAIN_WEIGHTS } from './gain-weights.js';

/** What a strong model is expected to gain on a request. */
export interface ExpectedGain {
  /** Expected share of such requests that only a strong model gets right, less those that only a weak one does. */
  gain: number;
  /** Rank of the gain among the prompts that the weights were learned from, 0 to 1; 0.5 is an average request. */
  demand: number;
}

/** A linear function of the features, as it is shipped. */
export interface ShippedModel {
  intercept: number;
  /** What one step of `weights` is worth. */
  scale: number;
  /** One signed byte a bucket, in base64; empty where n-grams say nothing. */
  weights: string;
  /** Weights of the measures; empty where measures say nothing. */
  measures: readonly number[];
}

export interface ShippedWeights {
  questions: ShippedModel;
  problems: ShippedModel;
  isProblem: ShippedModel;
  /** Gains at ranks 0, 0.05, … 1 of the prompts learned from. */
  quantiles: readonly number[];
}

interface Linear {
  intercept: number;
  scale: number;
  weights: Int8Array;
  measures: readonly number[];
}

const AVERAGE: ExpectedGain = { gain: 0, demand: 0.5 };

/**
 * Guesses from the words of a request how much a strong model gains on it, with weights learned beforehand
 * (`npm run router:train`). No network, no clock; a text of any length costs the same small bounded time.
 */
@Injectable()
export class GainScorer {
  private readonly features = new TextFeatures();
  private readonly questions: Linear;
  private readonly problems: Linear;
  private readonly isProblem: Linear;
  private readonly quantiles: readonly number[];

  constructor(shipped: ShippedWeights = GAIN_WEIGHTS) {
    this.questions = decoded(shipped.questions);
    this.problems = decoded(shipped.problems);
    this.isProblem = decoded(shipped.isProblem);
    this.quantiles = shipped.quantiles;
  }

  /** The gain expected on a text; an average one when there is no text. */
  gainOf(text: string): ExpectedGain {
    if (text.trim() === '') return AVERAGE;
    const vector = this.features.of(text);
    const share = problemShare(valueOf(this.isProblem, vector));
    const gain = valueOf(this.questions, vector) * (1 - share) + valueOf(this.problems, vector) * share;
    return { gain: Math.round(gain * 1e4) / 1e4, demand: Math.round(rankOf(gain, this.quantiles) * 100) / 100 };
  }
}

/** How much a text counts as a word problem: not at all up to a quarter, wholly from a half on. */
export function problemShare(kind: number): number {
  return Math.min(1, Math.max(0, 4 * kind - 1));
}

function decoded({ weights, ...rest }: ShippedModel): Linear {
  const bytes = Buffer.from(weights, 'base64');
  const fits = [0, BUCKETS].includes(bytes.length) && [0, MEASURES].includes(rest.measures.length);
  if (!fits) {
    throw new Error('the weights do not fit the features: train them again');
  }
  return { ...rest, weights: new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length) };
}

function valueOf({ intercept, scale, weights, measures }: Linear, { indices, values, size }: SparseVector): number {
  let steps = 0;
  let sum = intercept;
  for (let at = 0; at < size; at += 1) {
    const index = indices[at] ?? 0;
    const value = values[at] ?? 0;
    if (index < BUCKETS) steps += (weights[index] ?? 0) * value;
    else sum += (measures[index - BUCKETS] ?? 0) * value;
  }
  return sum + steps * scale;
}

/** Share of the prompts learned from whose gain is lower, between the given quantiles in a straight line. */
function rankOf(gain: number, quantiles: readonly number[]): number {
  const last = quantiles.length - 1;
  for (let at = 0; at <= last; at += 1) {
    const upper = quantiles[at] ?? 0;
    if (gain >= upper) continue;
    const lower = quantiles[at - 1] ?? upper;
    return at === 0 ? 0 : (at - 1 + (gain - lower) / (upper - lower)) / last;
  }
  return 1;
}
