import { qualityOf, rankingOf } from './curve.js';
import { foldsOf, groupsOf, seededRandom } from './folds.js';
import {
  blend,
  fitCandidates,
  forecast,
  isProblem,
  trainGain,
  type Settings,
  type TrainingSet,
} from './gain-trainer.js';
import { predict, type LinearModel } from './ridge.js';

const OUTER_FOLDS = 5;
const INNER_FOLDS = 3;

/** What the choice is made among. */
const PENALTIES = [300, 600, 1_200];
const SUBJECT_PENALTIES = [60, 200];
const PROBLEM_PENALTIES = [200, 600, 1_800];
const SUBJECT_SHARES = [0.3, 0.4, 0.5, 0.6, 0.7];

/** Forecasts of prompts by models that have seen neither them nor their near-duplicates. */
export interface CrossValidated {
  scores: Float64Array;
  groups: readonly number[];
  /** Chosen in each fold, inside its training data. */
  settings: readonly Settings[];
}

/** Cross-validation with a nested choice of settings: what is tested has no part in anything that is chosen. */
export function crossValidate(set: TrainingSet, seed: number): CrossValidated {
  const random = seededRandom(seed);
  const groups = groupsOf(set.examples.map(({ prompt }) => prompt));
  const folds = foldsOf(groups, OUTER_FOLDS, random);
  const scores = new Float64Array(set.examples.length);
  const settings: Settings[] = [];
  for (let fold = 0; fold < OUTER_FOLDS; fold += 1) {
    const members = set.examples.map((_, at) => at);
    const trained = members.filter((at) => folds[at] !== fold);
    const tested = members.filter((at) => folds[at] === fold);
    const chosen = chooseSettings(set, trained, groups, random).settings;
    settings.push(chosen);
    const forecasts = forecast(set.part(tested).matrix, trainGain(set, trained, chosen));
    for (const [at, member] of tested.entries()) scores[member] = forecasts[at] ?? 0;
  }
  return { scores, groups, settings };
}

/** Forecasts of held-out prompts, for each setting of a part of the model. */
interface HeldOut {
  own: Float64Array[];
  subject: Float64Array[];
  problems: Float64Array[];
}

/** The settings that order held-out prompts of the given members best, and how they order them. */
export function chooseSettings(
  set: TrainingSet,
  members: readonly number[],
  groups: readonly number[],
  random: () => number,
): { settings: Settings; scores: Float64Array } {
  const folds = foldsOf(
    members.map((at) => groups[at] ?? at),
    INNER_FOLDS,
    random,
  );
  const held = heldOut(set, members, folds);
  const questions = members.flatMap((member, at) => (isProblem(set.examples[member] as never) ? [] : [at]));
  const problems = members.flatMap((member, at) => (isProblem(set.examples[member] as never) ? [at] : []));
  const areaOf = (rows: readonly number[], scores: Float64Array): number =>
    qualityOf(
      rankingOf(rows.map((at) => scores[at] ?? 0)),
      rows.map((at) => set.examples[members[at] ?? 0]?.gain ?? 0),
    ).apgr;
  const problemAt = bestOf(held.problems, (scores) => areaOf(problems, scores));
  const mixtures = PENALTIES.flatMap((penalty, ownAt) =>
    SUBJECT_PENALTIES.flatMap((subjectPenalty, subjectAt) =>
      SUBJECT_SHARES.map((subjectShare) => ({
        settings: { penalty, subjectPenalty, subjectShare, problemPenalty: PROBLEM_PENALTIES[problemAt] ?? 0 },
        scores: mixed(held.own[ownAt], held.subject[subjectAt], subjectShare),
      })),
    ),
  );
  const best = mixtures[bestOf(mixtures, ({ scores }) => areaOf(questions, scores))];
  if (best === undefined) throw new Error('there is nothing to choose among');
  for (const at of problems) best.scores[at] = held.problems[problemAt]?.[at] ?? 0;
  return best;
}

function heldOut(set: TrainingSet, members: readonly number[], folds: readonly number[]): HeldOut {
  const empty = (list: readonly number[]): Float64Array[] => list.map(() => new Float64Array(members.length));
  const held = { own: empty(PENALTIES), subject: empty(SUBJECT_PENALTIES), problems: empty(PROBLEM_PENALTIES) };
  const lists = { penalties: PENALTIES, subjectPenalties: SUBJECT_PENALTIES, problemPenalties: PROBLEM_PENALTIES };
  for (let fold = 0; fold < INNER_FOLDS; fold += 1) {
    const rows = members.flatMap((_, at) => (folds[at] === fold ? [at] : []));
    const candidates = fitCandidates(
      set,
      members.filter((_, at) => folds[at] !== fold),
      lists,
    );
    const { matrix } = set.part(rows.map((at) => members[at] ?? 0));
    const fill = (models: readonly LinearModel[], into: readonly Float64Array[]): void => {
      for (const [at, model] of models.entries()) {
        for (const [row, value] of predict(matrix, model).entries()) (into[at] as Float64Array)[rows[row] ?? 0] = value;
      }
    };
    fill(candidates.own, held.own);
    fill(candidates.subject, held.subject);
    fill(candidates.problems, held.problems);
  }
  return held;
}

function mixed(own: Float64Array | undefined, subject: Float64Array | undefined, share: number): Float64Array {
  const [first, second] = [own, subject].map((weights) => ({ weights: weights ?? new Float64Array(), intercept: 0 }));
  return blend(first as LinearModel, second as LinearModel, share).weights;
}

function bestOf<T>(items: readonly T[], measure: (item: T) => number): number {
  // A benchmark that the data lack leaves nothing to measure: then the first will do.
  const measures = items.map((item) => measure(item) || 0);
  return measures.indexOf(Math.max(...measures));
}
