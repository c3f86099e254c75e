import { parseArgs } from 'node:util';
import { Bench, type BenchResult } from './bench.js';
import { HELD_STREAMS, TARGETS } from './cases.js';
import { givenPostgres, startOwnPostgres } from './postgres.js';
import { caseTable, figureTable, median, type Figure } from './report.js';
import { measureStartTimes, type StartTimes } from './start-times.js';

const USAGE = `npm run bench -- [--quick] [--rounds 3] [--wallets 64] [--gateways 1] [--soak <minutes>] [--database-url <url>] [--json] [--no-start-times]
Drives upstream, a bare Fastify proxy and the gateway in turn; see test/bench/README.md.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      wallets: { type: 'string', default: '64' },
      gateways: { type: 'string', default: '1' },
      soak: { type: 'string', default: '0' },
      'database-url': { type: 'string' },
      json: { type: 'boolean', default: false },
      'no-start-times': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(USAGE);
  const progress = (text: string): void => void process.stderr.write(`${text}\n`);
  const givenUrl = values['database-url'];
  const postgres = givenUrl === undefined ? await startOwnPostgres() : givenPostgres(givenUrl);
  try {
    const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
    const options = {
      rounds,
      quick: values.quick,
      wallets: Number(values.wallets),
      gateways: Number(values.gateways),
      soakMinutes: Number(values.soak),
    };
    const bench = await Bench.start(options, postgres);
    const result = await bench.run(progress).finally(() => bench.stop());
    if (!values['no-start-times']) progress('start times');
    const startTimes = values['no-start-times'] ? null : await measureStartTimes();
    const figures = [...result.runs.figures(), ...processFigures(result, startTimes)];
    print(values.json ? asJson(result, figures) : asText(result, figures));
  } finally {
    await postgres.stop();
  }
}

/** T8 and T9. */
function processFigures({ memory }: BenchResult, start: StartTimes | null): Figure[] {
  const less = { moreIsBetter: false };
  const held = `memory at ${HELD_STREAMS.toString()} open streams`;
  const figures: Figure[] = [
    { id: 'T8', what: 'memory idle', value: memory.idleMib, unit: 'MiB', floor: 220, target: 160, ...less },
    { id: 'T8', what: held, value: memory.heldStreamsMib, unit: 'MiB', floor: 320, target: 240, ...less },
  ];
  if (memory.growthPercent !== null) {
    const growth = { what: 'growth of memory in the soak', value: memory.growthPercent, unit: '%' };
    figures.push({ id: 'T8', ...growth, floor: 10, target: 3, ...less });
  }
  if (start === null) return figures;
  const there = { what: 'npm start to first answer, data there', value: start.dataThereS, floor: 6, target: 3 };
  const empty = { what: 'npm start to first answer, empty disk', value: start.emptyDiskS, floor: 12, target: 6 };
  return [...figures, { id: 'T9', unit: 's', ...there, ...less }, { id: 'T9', unit: 's', ...empty, ...less }];
}

function asText(result: BenchResult, figures: readonly Figure[]): string {
  const { audit } = result;
  const money =
    audit.differences.length === 0 && audit.freezes === audit.usageRecords
      ? `money: ${audit.freezes.toString()} requests, settled ${(audit.settleLagMs / 1000).toFixed(1)} s after the last, and the books are right`
      : `money: WRONG ${JSON.stringify(audit)}`;
  const failures = result.runs.sum('gateway', (run) => run.failures);
  const examples = result.runs.all.flatMap((run) => run.result.failureExamples).slice(0, 5);
  return [
    caseTable(result.runs, result.cases, TARGETS),
    '',
    figureTable(figures),
    '',
    money,
    `other programs: ${median(result.runs.all.map((run) => run.foreignCores)).toFixed(2)} cores (median), ${busiest(result).toFixed(2)} at most`,
    `gateway failures: ${failures.toString()}${examples.length > 0 ? ` (${examples.join('; ')})` : ''}`,
  ].join('\n');
}

function busiest(result: BenchResult): number {
  return Math.max(...result.runs.all.map((run) => run.foreignCores));
}

function asJson(result: BenchResult, figures: readonly Figure[]): string {
  return JSON.stringify({ figures, memory: result.memory, audit: result.audit, runs: result.runs.all }, null, 2);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

await main();
