import { parseArgs } from 'node:util';
import { evaluateGain, type BenchmarkReport, type EvaluationReport } from '../router/index.js';
import { readDataFile } from './data-file.js';

const USAGE = `Measures how well the scorer of \`auto\` tells prompts on which a strong model gains, in cross-validation.

  npm run router:eval -- --data <file> [--json]

  --data   one JSON object a line: benchmark, subject, prompt, weak_correct, strong_correct
  --json   one JSON object instead of a table
  --help   this text

Takes about two minutes. docs/routing.md says what the figures mean.
`;

async function run(): Promise<number> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const report = evaluateGain(await readDataFile(values.data));
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : tableOf(report));
  return 0;
}

function tableOf({ benchmarks }: EvaluationReport): string {
  return Object.entries(benchmarks)
    .map(([name, benchmark]) => `${linesOf(name, benchmark).join('\n')}\n`)
    .join('\n');
}

function linesOf(name: string, benchmark: BenchmarkReport): string[] {
  const { controls, against_length: against, shipped } = benchmark;
  const { random, length, always_weak: weak, always_strong: strong } = controls;
  const range = ({ low, high }: { low: number; high: number }): string => `${low.toFixed(3)} to ${high.toFixed(3)}`;
  return [
    `${name}, ${benchmark.prompts} prompts          APGR   CPT(50 %)  CPT(80 %)`,
    row('scorer, cross-validated', benchmark),
    row('random', random, `  95 %: ${range(random.interval95)}`),
    row('prompt length', length),
    row('always weak', weak, `  right: ${percent(weak.accuracy)}`),
    row('always strong', strong, `  right: ${percent(strong.accuracy)}`),
    row(
      'weights in the repository',
      shipped,
      shipped.saw_these_prompts ? '  learned from these prompts' : '  unseen prompts',
    ),
    `scorer less length: ${against.difference.toFixed(3)}, 95 %: ${range(against.interval95)}, won in ${percent(against.share_of_resamples_won)} of resamples`,
  ];
}

function row(
  name: string,
  { apgr, cpt50, cpt80 }: { apgr: number; cpt50: number | null; cpt80: number | null },
  more = '',
): string {
  return `  ${name.padEnd(26)} ${apgr.toFixed(3)}  ${percent(cpt50).padStart(8)}  ${percent(cpt80).padStart(9)}${more}`;
}

function percent(share: number | null): string {
  return share === null ? 'never' : `${(share * 100).toFixed(1)} %`;
}

process.exitCode = await run().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 2;
});
