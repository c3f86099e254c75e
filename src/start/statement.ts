import { parseArgs } from 'node:util';
import {
  isTimeZone,
  StatementReader,
  StatementReaderModule,
  STATEMENT_FORMATS,
  STATEMENT_MONTH,
} from '../admin/index.js';
import { ConfigError, readConfig } from '../platform/config/index.js';
import { AppError } from '../platform/errors/index.js';
import { onFoundDatabase } from './open-database.js';
import { withModule } from './reading-app.js';
import { StartError } from './start-error.js';

const USAGE = `Writes the statement of an account for a month: what moved its wallets, from the ledger.

  npm run -s statement -- <account id> <YYYY-MM> [--format html|csv|json] [--time-zone Europe/Berlin] > statement.html

--format     html (the default) is one page to read and to print
--time-zone  in which the month begins; UTC when absent

It reads the database of DATABASE_URL, or the embedded one in DATA_DIR, which must be there. A gateway may run meanwhile.
Exit code 0: written; 1: no such account or statement; 2: a wrong option, or no database.
`;

type Format = (typeof STATEMENT_FORMATS)[number];

interface Arguments {
  accountId: string;
  month: string;
  timeZone: string;
  format: Format;
}

/** @returns `null` when help was asked for. @throws StartError naming the option at fault. */
function readArguments(args: readonly string[]): Arguments | null {
  const { values, positionals } = parsed(args);
  if (values.help) return null;
  const [accountId, month, ...more] = positionals;
  if (accountId === undefined || month === undefined || more.length > 0) {
    throw new StartError('an account id and a month are needed (--help tells more)');
  }
  if (!STATEMENT_MONTH.test(month)) throw new StartError(`${month} is no month; write it as 2026-11`);
  const format = STATEMENT_FORMATS.find((name) => name === values.format);
  if (format === undefined) throw new StartError('--format must be html, csv or json');
  const timeZone = values['time-zone'];
  if (!isTimeZone(timeZone)) throw new StartError('--time-zone must be the name of a time zone, such as Europe/Berlin');
  return { accountId, month, timeZone, format };
}

function parsed(args: readonly string[]) {
  const options = {
    format: { type: 'string', default: 'html' },
    'time-zone': { type: 'string', default: 'UTC' },
    help: { type: 'boolean', default: false },
  } as const;
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    throw new StartError(`${(error as Error).message.split('\n', 1)[0] ?? ''} (--help shows the options)`);
  }
}

function write({ format, ...wanted }: Arguments): Promise<string> {
  return onFoundDatabase(readConfig(process.env), ({ config }) =>
    withModule(config, 'statement', StatementReaderModule, async (app) => {
      const { text } = await app.get(StatementReader).file(wanted, format);
      return text;
    }),
  );
}

async function main(): Promise<number> {
  const options = readArguments(process.argv.slice(2));
  const text = options === null ? USAGE : await write(options);
  await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
  return 0;
}

function failed(error: unknown): number {
  const isPlain = error instanceof StartError || error instanceof ConfigError || error instanceof AppError;
  const hint = error instanceof AppError && error.hint !== undefined ? ` ${error.hint}` : '';
  process.stderr.write(`${isPlain ? error.message : String(error instanceof Error ? error.stack : error)}.${hint}\n`);
  return error instanceof AppError && error.kind === 'not_found' ? 1 : 2;
}

process.exit(await main().catch(failed));
