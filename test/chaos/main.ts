import { parseArgs } from 'node:util';
import { startOwnPostgres } from '../bench/postgres.js';
import { runChaos, type ChaosOptions } from './chaos.js';
import { printed } from './print.js';

const USAGE = `npm run chaos -- [--requests 3000] [--huge] [--seed <number>] [--callers 48] [--kill-every-ms 1500] [--down-ms 1500] [--database-url <url>] [--json]

Sends requests through two gateways and two workers on one database, against an upstream that fails in every way, while
each of these processes is killed (SIGKILL, at times SIGTERM) and started again. Then kills everything, lets two workers
recover, and recomputes all the money. Exits with 1 when a credit is missing, doubled or not where it was promised.

  --requests       how many; --huge is 100000
  --seed           decides what callers do and who is killed; printed, so that a run can be repeated
  --callers        requests at once
  --kill-every-ms  mean time between two kills; 0 kills nobody before the end
  --down-ms        longest time that a killed process stays away
  --database-url   a Postgres server with the right to create databases; an embedded one of its own otherwise
  --json           the report as JSON`;

const HUGE_REQUESTS = 100_000;
const SEED_MAX = 2 ** 31;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      requests: { type: 'string', default: '3000' },
      huge: { type: 'boolean', default: false },
      seed: { type: 'string' },
      callers: { type: 'string', default: '48' },
      'kill-every-ms': { type: 'string', default: '1500' },
      'down-ms': { type: 'string', default: '1500' },
      'database-url': { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(USAGE);
  const options: ChaosOptions = {
    requests: values.huge ? HUGE_REQUESTS : numberOf('requests', values.requests, 1),
    seed: values.seed === undefined ? Date.now() % SEED_MAX : numberOf('seed', values.seed, 0),
    callers: numberOf('callers', values.callers, 1),
    kill: {
      everyMs: numberOf('kill-every-ms', values['kill-every-ms'], 0),
      downMs: numberOf('down-ms', values['down-ms'], 0),
    },
  };
  await onServer(values['database-url'], async () => {
    const report = await runChaos(options, (text) => void process.stderr.write(`${text}\n`));
    print(values.json ? JSON.stringify(report, asJson, 2) : printed(report));
    if (report.differences.length > 0) process.exitCode = 1;
  });
}

/** The given server, or an embedded one that ends with the run. */
async function onServer(givenUrl: string | undefined, work: () => Promise<void>): Promise<void> {
  const own = givenUrl === undefined ? await startOwnPostgres() : null;
  process.env['TEST_DATABASE_URL'] = own?.url ?? givenUrl;
  try {
    await work();
  } finally {
    await own?.stop();
  }
}

function numberOf(flag: string, text: string, min: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new Error(`--${flag} must be a whole number of at least ${min.toString()}`);
}

/** Counts and promises matter, not thousands of ids. */
function asJson(key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Map) return Object.fromEntries(value);
  return key === 'promises' || key === 'refused' ? (value as unknown[]).length : value;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

await main();
