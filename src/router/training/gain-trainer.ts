import { BUCKETS, FEATURES, TextFeatures } from '../gain/text-features.js';
import { MEASURES } from '../gain/text-measures.js';
import type { Example } from './data-set.js';
import { problemShare } from '../gain/gain-scorer.js';
import { mean, predict, ridge, type LinearModel } from './ridge.js';
import { SparseMatrix } from './sparse-matrix.js';

/** What is chosen inside the training data, never on the prompts that are tested. */
export interface Settings {
  /** Ridge penalties: of what was seen on each prompt, of the mean of its subject, and of word problems. */
  penalty: number;
  subjectPenalty: number;
  problemPenalty: number;
  /** Share of the subject's mean in the forecast of questions. */
  subjectShare: number;
}

/** Forecasts of what the strong model gains: one for questions of knowledge, one for word problems, and which of them a text is. */
export interface GainModel {
  questions: LinearModel;
  problems: LinearModel;
  /** Near 1 for word problems, near 0 for questions. */
  isProblem: LinearModel;
}

/** The benchmark whose prompts are word problems. */
export const PROBLEM_BENCHMARK = 'gsm8k';
const KIND_PENALTY = 20;
/** Prompts of its benchmark's mean that are added to each subject, so that a small subject says little. */
const SUBJECT_PRIOR = 10;

/** Examples as vectors; made once, used for every fold. */
export class TrainingSet {
  readonly matrix: SparseMatrix;

  constructor(readonly examples: readonly Example[]) {
    const features = new TextFeatures();
    this.matrix = SparseMatrix.of(
      examples.map(({ prompt }) => prompt),
      FEATURES,
      (text) => features.of(text),
    );
  }

  /** Some examples with the matrix of their features. */
  part(members: readonly number[]): { examples: Example[]; matrix: SparseMatrix } {
    return { examples: members.map((at) => this.examples[at] as Example), matrix: this.matrix.pick(members) };
  }
}

/** A matrix ready for a fit, and how to turn the weights back. */
interface Scaled {
  matrix: SparseMatrix;
  scales: Float64Array;
}

/** N-grams alone: rare ones count more, those of a single text not at all. */
function scaledWords(matrix: SparseMatrix): Scaled {
  const scales = matrix.rowsPerColumn().map((count, column) => {
    return column >= BUCKETS || count < 2 ? 0 : Math.log((1 + matrix.rows) / (1 + count)) + 1;
  });
  return { matrix: matrix.scaled(scales), scales };
}

/** Ridge models of the measures alone, each centred and of deviation 1 for the fit, in terms of the measures as they are. */
function measureRidges(matrix: SparseMatrix, targets: Float64Array, penalties: readonly number[]): LinearModel[] {
  const columns = Array.from({ length: MEASURES }, (_, at) => {
    const unit = new Float64Array(matrix.columns);
    unit[BUCKETS + at] = 1;
    return matrix.times(unit);
  });
  const means = columns.map(mean);
  const deviations = columns.map((column, at) =>
    Math.sqrt(mean(column.map((value) => (value - (means[at] ?? 0)) ** 2))),
  );
  const scales = deviations.map((deviation) => (deviation > 1e-9 ? 1 / deviation : 0));
  const standard = SparseMatrix.dense(
    columns.map((column, at) => column.map((value) => (value - (means[at] ?? 0)) * (scales[at] ?? 0))),
  );
  return penalties.map((penalty) => {
    const fitted = ridge(standard, targets, penalty);
    const weights = new Float64Array(matrix.columns);
    let { intercept } = fitted;
    for (const [at, weight] of fitted.weights.entries()) {
      weights[BUCKETS + at] = weight * (scales[at] ?? 0);
      intercept -= weight * (scales[at] ?? 0) * (means[at] ?? 0);
    }
    return { weights, intercept };
  });
}

/** Ridge models of rising penalty, in terms of the features as they are. Each begins where the last one ended. */
function ridges({ matrix, scales }: Scaled, targets: Float64Array, penalties: readonly number[]): LinearModel[] {
  let last: LinearModel | undefined;
  return penalties.map((penalty) => {
    last = ridge(matrix, targets, penalty, last?.weights);
    return { ...last, weights: last.weights.map((weight, at) => weight * (scales[at] ?? 0)) };
  });
}

/** Mean gain of each example's subject; small subjects lean on the mean of all. */
export function subjectMeans(examples: readonly Example[]): Float64Array {
  const sums = new Map<string, { sum: number; count: number }>();
  const overall = mean(Float64Array.from(examples, ({ gain }) => gain));
  for (const { subject, gain } of examples) {
    const entry = sums.get(subject) ?? { sum: 0, count: 0 };
    sums.set(subject, { sum: entry.sum + gain, count: entry.count + 1 });
  }
  return Float64Array.from(examples, ({ subject }) => {
    const { sum, count } = sums.get(subject) ?? { sum: 0, count: 0 };
    return (sum + SUBJECT_PRIOR * overall) / (count + SUBJECT_PRIOR);
  });
}

/** Models of each penalty, to choose among. */
export interface Candidates {
  own: LinearModel[];
  subject: LinearModel[];
  problems: LinearModel[];
}

/** Fits every penalty of the lists on the given examples: questions by what was seen and by subject, word problems by their measures. */
export function fitCandidates(set: TrainingSet, members: readonly number[], lists: PenaltyLists): Candidates {
  const [questions, problems] = [false, true].map((wanted) =>
    set.part(members.filter((at) => isProblem(set.examples[at] as Example) === wanted)),
  );
  if (questions === undefined || problems === undefined) throw new Error('unreachable');
  const asked = scaledWords(questions.matrix);
  return {
    own: ridges(asked, gainsOf(questions.examples), lists.penalties),
    subject: ridges(asked, subjectMeans(questions.examples), lists.subjectPenalties),
    problems: measureRidges(problems.matrix, gainsOf(problems.examples), lists.problemPenalties),
  };
}

export interface PenaltyLists {
  penalties: readonly number[];
  subjectPenalties: readonly number[];
  problemPenalties: readonly number[];
}

/**
 * Fits the whole model on the given examples. What was seen on single questions is noise for the most part; the mean of a
 * subject is what can be known of it: the forecast of questions is a mixture of both.
 */
export function trainGain(set: TrainingSet, members: readonly number[], settings: Settings): GainModel {
  const { penalty, subjectPenalty, problemPenalty, subjectShare } = settings;
  const lists = { penalties: [penalty], subjectPenalties: [subjectPenalty], problemPenalties: [problemPenalty] };
  const { own, subject, problems } = fitCandidates(set, members, lists);
  const { examples, matrix } = set.part(members);
  const kinds = Float64Array.from(examples, (example) => Number(isProblem(example)));
  const [isProblemModel] = ridges(scaledWords(matrix), kinds, [KIND_PENALTY]);
  return {
    questions: blend(first(own), first(subject), subjectShare),
    problems: first(problems),
    isProblem: isProblemModel ?? first(problems),
  };
}

function first(models: readonly LinearModel[]): LinearModel {
  const [model] = models;
  if (model === undefined) throw new Error('no penalty was given');
  return model;
}

export function isProblem({ benchmark }: Example): boolean {
  return benchmark === PROBLEM_BENCHMARK;
}

/** share × second + (1 − share) × first. */
export function blend(first: LinearModel, second: LinearModel, share: number): LinearModel {
  return {
    weights: first.weights.map((weight, at) => weight * (1 - share) + (second.weights[at] ?? 0) * share),
    intercept: first.intercept * (1 - share) + second.intercept * share,
  };
}

export function gainsOf(examples: readonly Example[]): Float64Array {
  return Float64Array.from(examples, ({ gain }) => gain);
}

/** Forecast for each row. */
export function forecast(matrix: SparseMatrix, model: GainModel): Float64Array {
  const questions = predict(matrix, model.questions);
  const problems = predict(matrix, model.problems);
  const kinds = predict(matrix, model.isProblem);
  return questions.map((value, at) => {
    const share = problemShare(kinds[at] ?? 0);
    return value * (1 - share) + (problems[at] ?? 0) * share;
  });
}
