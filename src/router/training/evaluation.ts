import { createHash } from 'node:crypto';
import { GainScorer } from '../gain/gain-scorer.js';
import { TRAINED_ON } from '../gain/gain-weights.js';
import { crossValidate } from './cross-validation.js';
import { qualityOf, rankingOf, type Quality } from './curve.js';
import { readExamples, type Example } from './data-set.js';
import { seededRandom, shuffled } from './folds.js';
import { TrainingSet, type Settings } from './gain-trainer.js';

const SEED = 20_240_613;
const RANDOM_ORDERS = 1_000;
const RESAMPLES = 2_000;

export interface Interval {
  low: number;
  high: number;
}

/** A policy that looks at nothing: what it recovers of the gap, and how often it is right. */
export interface Constant {
  apgr: number;
  cpt50: number | null;
  cpt80: number | null;
  accuracy: number;
}

export interface BenchmarkReport extends Quality {
  prompts: number;
  controls: {
    random: Quality & { interval95: Interval };
    length: Quality;
    always_weak: Constant;
    always_strong: Constant;
  };
  /** APGR less that of prompt length, on the same resampled groups of prompts. */
  against_length: { difference: number; interval95: Interval; share_of_resamples_won: number };
  /** The weights in the repository, as they are. */
  shipped: Quality & { saw_these_prompts: boolean };
}

export interface EvaluationReport {
  benchmarks: Record<string, BenchmarkReport>;
  folds: readonly Settings[];
}

/**
 * Cross-validates the scorer on a file of examples, beside four controls.
 * @throws Error naming the line of the file that cannot be read.
 */
export function evaluateGain(fileText: string): EvaluationReport {
  const examples = readExamples(fileText);
  const { scores, groups, settings } = crossValidate(new TrainingSet(examples), SEED);
  const scorer = new GainScorer();
  const shipped = Float64Array.from(examples, ({ prompt }) => scorer.gainOf(prompt).gain);
  const sawThese = fingerprintOf(fileText) === TRAINED_ON;
  const names = [...new Set(examples.map(({ benchmark }) => benchmark))].sort();
  const benchmarks: Record<string, BenchmarkReport> = {};
  for (const name of names) {
    const members = examples.flatMap((example, at) => (example.benchmark === name ? [at] : []));
    const part = {
      examples: members.map((at) => examples[at] as Example),
      scores: members.map((at) => scores[at] ?? 0),
      groups: members.map((at) => groups[at] ?? at),
    };
    const own = members.map((at) => shipped[at] ?? 0);
    const gains = part.examples.map(({ gain }) => gain);
    benchmarks[name] = {
      ...reportOf(part),
      shipped: { ...qualityOf(rankingOf(own), gains), saw_these_prompts: sawThese },
    };
  }
  return { benchmarks, folds: settings };
}

/** Of a file of examples; tells whether the weights were learned from it. */
export function fingerprintOf(fileText: string): string {
  return createHash('sha256').update(fileText).digest('hex');
}

interface Part {
  examples: readonly Example[];
  scores: readonly number[];
  groups: readonly number[];
}

function reportOf(part: Part): Omit<BenchmarkReport, 'shipped'> {
  const gains = part.examples.map(({ gain }) => gain);
  const lengths = part.examples.map(({ prompt }) => prompt.length);
  return {
    prompts: gains.length,
    ...qualityOf(rankingOf(part.scores), gains),
    controls: {
      random: randomControl(gains),
      length: qualityOf(rankingOf(lengths), gains),
      always_weak: { apgr: 0, cpt50: null, cpt80: null, accuracy: shareOf(part, ({ weakCorrect }) => weakCorrect) },
      always_strong: { apgr: 1, cpt50: 1, cpt80: 1, accuracy: shareOf(part, ({ strongCorrect }) => strongCorrect) },
    },
    against_length: pairedBootstrap(part, lengths, gains),
  };
}

function shareOf({ examples }: Part, isTrue: (example: Example) => boolean): number {
  return examples.filter(isTrue).length / examples.length;
}

function randomControl(gains: readonly number[]): BenchmarkReport['controls']['random'] {
  const random = seededRandom(SEED);
  const order = gains.map((_, at) => at);
  const qualities = Array.from({ length: RANDOM_ORDERS }, () => qualityOf(rankingOf(shuffled(order, random)), gains));
  const middle = (values: readonly (number | null)[]): number =>
    quantile(
      values.map((value) => value ?? 1),
      0.5,
    );
  return {
    apgr: middle(qualities.map(({ apgr }) => apgr)),
    cpt50: middle(qualities.map(({ cpt50 }) => cpt50)),
    cpt80: middle(qualities.map(({ cpt80 }) => cpt80)),
    interval95: intervalOf(qualities.map(({ apgr }) => apgr)),
  };
}

/** Draws groups of near-duplicates with replacement; scorer and length are measured on the same draw. */
function pairedBootstrap(
  { scores, groups }: Part,
  lengths: readonly number[],
  gains: readonly number[],
): BenchmarkReport['against_length'] {
  const random = seededRandom(SEED + 1);
  const membersOf = Map.groupBy(groups.keys(), (at) => groups[at] ?? at);
  const names = [...membersOf.keys()];
  const [byScore, byLength] = [rankingOf(scores), rankingOf(lengths)];
  const differences = Array.from({ length: RESAMPLES }, () => {
    const counts = new Int32Array(gains.length);
    for (let drawn = 0; drawn < names.length; drawn += 1) {
      const group = names[Math.floor(random() * names.length)] ?? 0;
      for (const at of membersOf.get(group) ?? []) counts[at] = (counts[at] ?? 0) + 1;
    }
    return qualityOf(byScore, gains, counts).apgr - qualityOf(byLength, gains, counts).apgr;
  });
  return {
    difference: qualityOf(byScore, gains).apgr - qualityOf(byLength, gains).apgr,
    interval95: intervalOf(differences),
    share_of_resamples_won: differences.filter((difference) => difference > 0).length / RESAMPLES,
  };
}

function intervalOf(values: readonly number[]): Interval {
  return { low: quantile(values, 0.025), high: quantile(values, 0.975) };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
