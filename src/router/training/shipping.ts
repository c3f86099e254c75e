import { BUCKETS } from '../gain/text-features.js';
import type { ShippedModel } from '../gain/gain-scorer.js';
import { chooseSettings } from './cross-validation.js';
import { readExamples } from './data-set.js';
import { fingerprintOf } from './evaluation.js';
import { groupsOf, seededRandom } from './folds.js';
import { trainGain, TrainingSet, type Settings } from './gain-trainer.js';
import type { LinearModel } from './ridge.js';

const SEED = 20_240_613;
const RANKS = 20;
const STEPS = 127;

export interface Trained {
  /** Source text of `gain/gain-weights.ts`. */
  source: string;
  settings: Settings;
  prompts: number;
}

/**
 * Learns the weights from a file of examples. The same file gives the same text.
 * @throws Error naming the line of the file that cannot be read.
 */
export function trainWeights(fileText: string): Trained {
  const examples = readExamples(fileText);
  const set = new TrainingSet(examples);
  const members = examples.map((_, at) => at);
  const groups = groupsOf(examples.map(({ prompt }) => prompt));
  const { settings, scores } = chooseSettings(set, members, groups, seededRandom(SEED));
  const { questions, problems, isProblem } = trainGain(set, members, settings);
  const sorted = Float64Array.from(scores).sort();
  const quantiles = Array.from({ length: RANKS + 1 }, (_, rank) =>
    short(sorted[Math.round((rank / RANKS) * (sorted.length - 1))] ?? 0),
  );
  const models = { questions, problems, isProblem };
  const parts = Object.entries(models).map(([name, model]) => `  ${name}: ${printed(shipped(model))},\n`);
  const source = `import type { ShippedWeights } from './gain-scorer.js';

/** Written by \`npm run router:train\`; not to be changed by hand. SHA-256 of the examples they were learned from: */
export const TRAINED_ON = '${fingerprintOf(fileText)}';

export const GAIN_WEIGHTS: ShippedWeights = {
${parts.join('')}  quantiles: [
${wrapped(quantiles, 4)}
  ],
};
`;
  return { source, settings, prompts: examples.length };
}

function shipped({ weights, intercept }: LinearModel): ShippedModel {
  const words = weights.subarray(0, BUCKETS);
  const measures = Array.from(weights.subarray(BUCKETS), short);
  const largest = words.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
  const scale = Number((largest / STEPS).toPrecision(8));
  const steps = Int8Array.from(words, (weight) => Math.round(weight / scale));
  return {
    intercept: short(intercept),
    scale,
    weights: scale > 0 ? Buffer.from(steps.buffer).toString('base64') : '',
    measures: measures.some((measure) => measure !== 0) ? measures : [],
  };
}

function printed({ intercept, scale, weights, measures }: ShippedModel): string {
  const text = weights === '' ? " ''" : `\n      '${weights}'`;
  const measured = measures.length === 0 ? '[]' : `[\n${wrapped(measures, 6)}\n    ]`;
  return `{
    intercept: ${intercept},
    scale: ${scale},
    weights:${text},
    measures: ${measured},
  }`;
}

const LINE_CHARS_MAX = 120;

/** Numbers in lines as wide as the formatter makes them. */
function wrapped(numbers: readonly number[], indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const text of numbers.map((number) => `${number},`)) {
    const longer = line === '' ? ' '.repeat(indent) + text : `${line} ${text}`;
    if (longer.length <= LINE_CHARS_MAX) line = longer;
    else {
      lines.push(line);
      line = ' '.repeat(indent) + text;
    }
  }
  return [...lines, line].join('\n');
}

function short(value: number): number {
  return Number(value.toPrecision(6));
}
