import { parseArgs } from 'node:util';
import { ConfigError, readConfig } from '../platform/config/index.js';
import { isUuid } from '../platform/ids/index.js';
import { openMigratedDatabase } from './open-database.js';
import { StartError } from './start-error.js';

const HELP = `Recomputes every balance, charge, price and quota from rows, and names what differs.

  npm run ledger:verify -- [options]

  --json            the report as JSON (use npm run -s, so that npm prints nothing around it)
  --max <n>         differences that are named, 0 to 10000 (default 100); all are counted
  --account <uuid>  one account only
  --help            this text

It reads the database of DATABASE_URL, or the embedded one, as npm start does, and changes no row. A gateway may run meanwhile.
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
}

/** @throws StartError naming the option. */
function readArguments(args: readonly string[]): Arguments {
  const { values } = parsed(args);
  const max = values.max ?? String(KEPT_DEFAULT);
  if (!/^\d{1,5}$/.test(max) || Number(max) > KEPT_MAX) throw new StartError(`--max: must be 0 to ${KEPT_MAX}`);
  if (values.account !== undefined && !isUuid(values.account)) throw new StartError('--account: must be a UUID');
  return { json: values.json, help: values.help, keptMax: Number(max), accountId: values.account?.toLowerCase() };
}

function parsed(args: readonly string[]) {
  const option = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({ args: [...args], options: { json: flag, help: flag, max: option, account: option } });
  } catch (error) {
    throw new StartError(`${(error as Error).message.split('\n', 1)[0] ?? ''} (--help shows the options)`);
  }
}

/** @returns whether nothing differs. */
async function verify({ json, keptMax, accountId }: Arguments): Promise<boolean> {
  const opened = await openMigratedDatabase(readConfig(process.env, { needsSecrets: false }));
  try {
    // Loaded late: faults of options, settings and database are said at once.
    const { LedgerVerifier, reportText, reportView, withBook } = await import('../reconciliation/index.js');
    const report = await withBook(opened.url, (book) => new LedgerVerifier(book).verify({ keptMax, accountId }));
    await print(json ? `${JSON.stringify(reportView(report), null, 2)}\n` : reportText(report));
    return report.ok;
  } finally {
    await opened.release();
  }
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
  if (error instanceof ConfigError || error instanceof StartError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

process.exit(
  await run(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`not verified: ${reasonOf(error)}\n`);
    return NOT_RUN;
  }),
);
