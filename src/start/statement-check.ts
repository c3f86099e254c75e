import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { readConfig } from '../platform/config/index.js';
import { AppError } from '../platform/errors/index.js';
import { onFoundDatabase, type FoundDatabase } from './open-database.js';
import { StartError } from './start-error.js';

const HELP = `Compares what a provider says that was used with what was recorded here, by UTC day and model.

  npm run statement:check -- --provider <name or id> --file <path or -> [options]

  --file               a CSV with the columns date (YYYY-MM-DD), model (the provider's name of it), requests, cost_usd; - is the input
  --tolerance-percent  how far costs may be apart (default 1); a cent always
  --json               the differences as JSON (use npm run -s, so that npm prints nothing around it)
  --help               this text

The statement is kept in place of what was known about its days, and compared again by the scheduled comparison.
Exit code: 0 nothing differs, 1 something differs, 2 it could not be found out.
`;

const [CLEAN, DIFFERENT, NOT_RUN] = [0, 1, 2];
const PERCENT_MAX = 100;
/** As much as the administration API takes. */
const CSV_LENGTH_MAX = 1_000_000;

interface Arguments {
  provider: string;
  csv: string;
  percent: number;
  json: boolean;
}

/** @returns `null` when help was asked for. @throws StartError naming the option. */
async function readArguments(args: readonly string[]): Promise<Arguments | null> {
  const { values } = parsed(args);
  if (values.help) return null;
  if (values.provider === undefined) throw new StartError('--provider: must be given');
  if (values.file === undefined) throw new StartError('--file: must be given');
  const percent = Number(values['tolerance-percent']);
  if (!/^\d+(\.\d+)?$/.test(values['tolerance-percent']) || percent > PERCENT_MAX) {
    throw new StartError(`--tolerance-percent: must be 0 to ${PERCENT_MAX.toString()}`);
  }
  return { provider: values.provider, csv: await contentOf(values.file), percent, json: values.json };
}

function parsed(args: readonly string[]) {
  const option = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const tolerance = { type: 'string', default: '1' } as const;
  const options = { provider: option, file: option, 'tolerance-percent': tolerance, json: flag, help: flag } as const;
  try {
    return parseArgs({ args: [...args], options });
  } catch (error) {
    throw new StartError(`${(error as Error).message.split('\n', 1)[0] ?? ''} (--help shows the options)`);
  }
}

async function contentOf(file: string): Promise<string> {
  const csv = await (file === '-' ? text(process.stdin) : readFile(file, 'utf8')).catch((error: unknown) => {
    throw new StartError(`--file: ${(error as Error).message}`);
  });
  if (csv.length > CSV_LENGTH_MAX)
    throw new StartError(`--file: has more than ${CSV_LENGTH_MAX.toString()} characters`);
  return csv;
}

/** @returns whether nothing differs. */
async function check({ config, place }: FoundDatabase, options: Arguments): Promise<boolean> {
  const { differenceLine, differenceView, ReconciliationModule, StatementService } =
    await import('../reconciliation/index.js');
  const { ProviderAdmin } = await import('../provider/index.js');
  const { withModule } = await import('./reading-app.js');
  const { days, compared, differences, lines } = await withModule(
    config,
    'statement-check',
    ReconciliationModule,
    async (app) => {
      const named = await app.get(ProviderAdmin, { strict: false }).findByName(options.provider);
      const statements = app.get(StatementService);
      return statements.import(named?.id ?? options.provider, options.csv, { percent: options.percent });
    },
  );
  const [ok, day] = [differences.length === 0, `${days.first} to ${days.last}`];
  const report = { ok, first_day: days.first, last_day: days.last, differences: differences.map(differenceView) };
  const looked = `looked in ${place}: ${lines.toString()} lines, ${compared.length.toString()} days and models, ${day}`;
  const found = ok ? ['no difference'] : differences.map(differenceLine);
  await print(options.json ? JSON.stringify(report, null, 2) : [looked, ...found].join('\n'));
  return ok;
}

async function run(args: readonly string[]): Promise<number> {
  const options = await readArguments(args);
  if (options === null) {
    await print(HELP);
    return CLEAN;
  }
  return onFoundDatabase(readConfig(process.env), async (found) => ((await check(found, options)) ? CLEAN : DIFFERENT));
}

/** Waits until it is written: the process ends right afterwards, and a pipe may be slow. */
async function print(line: string): Promise<void> {
  await new Promise<void>((resolve) => process.stdout.write(`${line}\n`, () => resolve()));
}

process.exit(
  await run(process.argv.slice(2)).catch((error: unknown) => {
    const isPlain = error instanceof AppError || error instanceof StartError;
    process.stderr.write(`not compared: ${isPlain ? error.message : String(error)}\n`);
    return NOT_RUN;
  }),
);
