import 'reflect-metadata';
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  missingKeys,
  PoolApply,
  PoolModule,
  PoolRefusedError,
  poolReportJson,
  poolReportText,
  readPool,
  type PoolReport,
} from '../admin/index.js';
import { ConfigError, readConfig, type Config } from '../platform/config/index.js';
import { onFoundDatabase, openDatabase, placeOf } from './open-database.js';
import { readPoolText, settingPath, typedPath, type PoolText } from './pool-file-path.js';
import { withModule } from './reading-app.js';
import { StartError } from './start-error.js';

const HELP = `Makes providers, models, prices, endpoints and policies what a file says.

  npm run pool:apply -- [options]

  --config <file>      default: GATEWAY_CONFIG, else gateway.yaml; config/gateway.yaml is a ready one
  --dry-run            shows the difference and applies nothing
  --check              the same, and exit code 2 when there is a difference
  --prune              disables what the file does not mention
  --allow-price-jumps  takes new prices that differ by more than a factor of ten
  --json               the report as JSON (use npm run -s, so that npm prints nothing around it)
  --help               this text

It writes to the database of DATABASE_URL, or to the embedded one, in one transaction, beside running gateways; they follow within
a second. Secrets are taken from the environment; while no provider of the file has its key, it shows the difference and applies
nothing. docs/pool.md describes the file.
Exit code: 0 the pool is as the file says, 1 refused or failed and nothing applied, 2 with --check: there is a difference.
`;

const [DONE, REFUSED, DIFFERENT] = [0, 1, 2];

function readArguments(args: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  const options = {
    config: { type: 'string' },
    'dry-run': flag,
    check: flag,
    prune: flag,
    json: flag,
    help: flag,
  } as const;
  try {
    return parseArgs({ args: [...args], options: { ...options, 'allow-price-jumps': flag } }).values;
  } catch (error) {
    throw new StartError(`${(error as Error).message.split('\n', 1)[0] ?? ''} (--help shows the options)`);
  }
}

type Arguments = ReturnType<typeof readArguments>;

async function run(args: readonly string[]): Promise<number> {
  const options = readArguments(args);
  if (options.help) return say(DONE, HELP);
  const settings = readConfig(process.env);
  const file = await readPoolText(fileOf(options, settings));
  const [report, place] = await apply(settings, file, options);
  const isColoured = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  const text = options.json
    ? `${JSON.stringify(poolReportJson(report), null, 2)}\n`
    : `looked in ${place}\n${poolReportText(report, isColoured)}`;
  return say(exitCodeOf(report, options), text);
}

function exitCodeOf({ changes, isApplied }: PoolReport, options: Arguments): number {
  if (isApplied || changes.length === 0) return DONE;
  if (options.check) return DIFFERENT;
  return options['dry-run'] ? DONE : REFUSED;
}

function fileOf({ config }: Arguments, { GATEWAY_CONFIG: setting }: Config): string {
  if (config !== undefined) return typedPath(config);
  if (setting !== undefined) return settingPath(setting);
  const usual = typedPath('gateway.yaml');
  if (existsSync(usual)) return usual;
  throw new StartError('there is no gateway.yaml here; --config config/gateway.yaml takes the ready one');
}

/** Only a file that can be applied makes a database: a look at one that is not there finds nothing. */
async function apply(settings: Config, file: PoolText, options: Arguments): Promise<[PoolReport, string]> {
  const isDry = options['dry-run'] || options.check;
  const quiet: Config = { ...settings, LOG_LEVEL: 'silent' };
  const run = (config: Config): Promise<PoolReport> =>
    withModule(config, 'pool', PoolModule, (app) =>
      app.get(PoolApply).apply({
        ...file,
        environment: process.env,
        options: { prune: options.prune, allowPriceJumps: options['allow-price-jumps'] },
        dryRun: isDry,
        needsKey: true,
      }),
    );
  if (isDry || missingKeys(readPool(file.name, file.text, process.env, Date.now())).length > 0) {
    return onFoundDatabase(quiet, async ({ config, place }) => [await run(config), place]);
  }
  const { config, release } = await openDatabase(quiet);
  try {
    return [await run(config), placeOf(settings)];
  } finally {
    await release();
  }
}

/** Waits until it is written: the process ends right afterwards. */
async function say(exitCode: number, text: string): Promise<number> {
  await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
  return exitCode;
}

function reasonOf(error: unknown): string {
  if (error instanceof PoolRefusedError) return `${error.message}\nnothing was applied`;
  if (error instanceof ConfigError || error instanceof StartError) return `not applied: ${error.message}`;
  return `not applied: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

process.exit(
  await run(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${reasonOf(error)}\n`);
    return REFUSED;
  }),
);
