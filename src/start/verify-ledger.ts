import { parseArgs } from 'node:util';
import { ConfigError, readConfig } from '../platform/config/index.js';
import { AppError } from '../platform/errors/index.js';
import { isUuid } from '../platform/ids/index.js';
import { onFoundDatabase } from './open-database.js';
import { StartError } from './start-error.js';

const HELP = `Recomputes every balance, charge, price and quota from rows, and every ledger row's seal; names what differs.

  npm run ledger:verify -- [options]

  --json            the report as JSON (use npm run -s, so that npm prints nothing around it)
  --max <n>         differences that are named, 0 to 10000 (default 100); all are counted
  --account <uuid>  one account only; its seals, but no checkpoints, which are of all
  --file <path>     a checkpoint file to compare with, repeatable (default LEDGER_CHECKPOINT_FILE)
  --no-seals        balances, charges, prices and quotas only
  --help            this text

It reads the database of DATABASE_URL, or the embedded one in DATA_DIR, which must be there, and changes no row. A gateway may run
meanwhile.
Signatures of seals are checked with SIGNING_SECRETS or ENCRYPTION_SECRETS; without them it says that they were not.
Exit code: 0 nothing differs, 1 something differs, 2 it could not be found out.
`;

const [CLEAN, DIFFERENT, NOT_RUN] = [0, 1, 2];
const KEPT_DEFAULT = 100;
const KEPT_MAX = 10_000;

interface Arguments {
  json: boolean;
  help: boolean;
  keptMax: number;
  accountId: string | undefined;
  seals: boolean;
  checkpointFiles: readonly string[] | undefined;
}

/** @throws StartError naming the option. */
function readArguments(args: readonly string[]): Arguments {
  const { values } = parsed(args);
  const max = values.max ?? String(KEPT_DEFAULT);
  if (!/^\d{1,5}$/.test(max) || Number(max) > KEPT_MAX) throw new StartError(`--max: must be 0 to ${KEPT_MAX}`);
  if (values.account !== undefined && !isUuid(values.account)) throw new StartError('--account: must be a UUID');
  const excludes = values['no-seals'] ? '--no-seals' : values.account === undefined ? null : '--account';
  if (values.file !== undefined && excludes !== null) throw new StartError(`--file: has no use with ${excludes}`);
  return {
    json: values.json,
    help: values.help,
    keptMax: Number(max),
    accountId: values.account?.toLowerCase(),
    seals: !values['no-seals'],
    checkpointFiles: values.file,
  };
}

function parsed(args: readonly string[]) {
  const option = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const file = { type: 'string', multiple: true } as const;
  const options = { json: flag, help: flag, 'no-seals': flag, max: option, account: option, file } as const;
  try {
    return parseArgs({ args: [...args], options });
  } catch (error) {
    throw new StartError(`${(error as Error).message.split('\n', 1)[0] ?? ''} (--help shows the options)`);
  }
}

/** @returns whether nothing differs. */
async function verify({ json, ...options }: Arguments): Promise<boolean> {
  return onFoundDatabase(readConfig(process.env, { needsSecrets: false }), async ({ config, place }) => {
    // Loaded late: faults of options, settings and database are said at once.
    const { FullVerifier, reportText, reportView, VerificationModule } = await import('../reconciliation/index.js');
    const { withModule } = await import('./reading-app.js');
    const report = await withModule(config, 'ledger-verify', VerificationModule, (app) =>
      app.get(FullVerifier).verify(options),
    );
    const view = { looked_in: place, ...reportView(report) };
    await print(json ? `${JSON.stringify(view, null, 2)}\n` : `looked in ${place}\n${reportText(report)}`);
    return report.ok;
  });
}

async function run(args: readonly string[]): Promise<number> {
  const options = readArguments(args);
  if (!options.help) return (await verify(options)) ? CLEAN : DIFFERENT;
  await print(HELP);
  return CLEAN;
}

/** Waits until it is written: the process ends right afterwards, and a pipe may be slow. */
async function print(text: string): Promise<void> {
  await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
}

function reasonOf(error: unknown): string {
  if (error instanceof ConfigError || error instanceof StartError || error instanceof AppError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

process.exit(
  await run(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`not verified: ${reasonOf(error)}\n`);
    return NOT_RUN;
  }),
);
