import { parseArgs, styleText } from 'node:util';
import { BillingModule, ExplainService, type Explanation } from '../billing/index.js';
import { ConfigError, readConfig } from '../platform/config/index.js';
import { AppError } from '../platform/errors/index.js';
import { explanationText, type Paint } from './explain-text.js';
import { onFoundDatabase } from './open-database.js';
import { withModule } from './reading-app.js';
import { StartError } from './start-error.js';

const USAGE = `Tells what became of a request, stage by stage, with a verdict and the next step.

  npm run explain -- <request id> [--json]

<request id>  the value of X-DAOE-Request-ID or X-Request-ID of the answer
--json        the explanation as the administration answers it (npm run -s, for programs)

It reads the database of DATABASE_URL, or the embedded one in DATA_DIR, which must be there. A gateway may run meanwhile.
Exit code 0: explained; 1: no such request; 2: a wrong option, or no database.
`;

interface Arguments {
  requestId: string;
  json: boolean;
}

/** @returns `null` when help was asked for. @throws StartError naming the option at fault. */
function readArguments(args: readonly string[]): Arguments | null {
  const { values, positionals } = parsed(args);
  if (values.help) return null;
  const [requestId, ...more] = positionals;
  if (requestId === undefined || more.length > 0) throw new StartError('one request id is needed (--help tells more)');
  return { requestId, json: values.json };
}

function parsed(args: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { json: flag, help: flag } });
  } catch (error) {
    throw new StartError(`${(error as Error).message.split('\n', 1)[0] ?? ''} (--help shows the options)`);
  }
}

function explain(requestId: string): Promise<Explanation> {
  return onFoundDatabase(readConfig(process.env), ({ config }) =>
    withModule(config, 'explain', BillingModule, (app) => app.get(ExplainService).explain(requestId)),
  );
}

async function main(): Promise<number> {
  const options = readArguments(process.argv.slice(2));
  const text = options === null ? USAGE : await answer(options);
  await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
  return 0;
}

async function answer({ requestId, json }: Arguments): Promise<string> {
  const explanation = await explain(requestId);
  if (json) return `${JSON.stringify(explanation, null, 2)}\n`;
  const paint: Paint = (style, text) => styleText(style, text, { stream: process.stdout });
  return explanationText(explanation, paint);
}

function failed(error: unknown): number {
  const isPlain = error instanceof StartError || error instanceof ConfigError || error instanceof AppError;
  const hint = error instanceof AppError && error.hint !== undefined ? ` ${error.hint}` : '';
  process.stderr.write(`${isPlain ? error.message : String(error instanceof Error ? error.stack : error)}.${hint}\n`);
  return error instanceof AppError && error.kind === 'not_found' ? 1 : 2;
}

process.exit(await main().catch(failed));
