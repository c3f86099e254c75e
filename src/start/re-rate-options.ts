import { parseArgs } from 'node:util';
import type { ReRateRequest } from '../billing/index.js';

/** What `--help` prints. */
export const RE_RATE_USAGE = `Prices recorded requests again and writes nothing.

  npm run re-rate -- --from <time> --to <time> [--model <key or id>] [--price <version or id>] [--json]

--from, --to  when the requests were made: 2026-11-01 or 2026-11-01T12:00:00Z; from is included, to is not
--model       only requests of this model
--price       what it would have cost under this version; without it every record must be what its own version says
--json        one JSON object a line: every difference, then the report

Exit code 0: everything is as it should be; 1: differences; 2: a wrong option, or no database.
`;

const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d))?$/;

export interface ReRateOptions {
  request: ReRateRequest;
  json: boolean;
}

/** Faults of the command line, for people. */
export class OptionError extends Error {
  override readonly name = 'OptionError';
}

/**
 * Reads the command line; `null` when help was asked for.
 * @throws OptionError naming the option at fault.
 */
export function readReRateOptions(args: readonly string[]): ReRateOptions | null {
  const string = { type: 'string' } as const;
  const boolean = { type: 'boolean' } as const;
  const options = { from: string, to: string, model: string, price: string, json: boolean, help: boolean };
  const { values } = parsed(() => parseArgs({ args: [...args], options, strict: true }));
  if (values.help === true) return null;
  const request = {
    from: timeOf('from', values.from),
    to: timeOf('to', values.to),
    model: values.model,
    price: values.price,
  };
  if (request.to <= request.from) throw new OptionError('--to must be after --from');
  return { request, json: values.json === true };
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new OptionError(error instanceof Error ? error.message : String(error));
  }
}

function timeOf(name: string, text: string | undefined): Date {
  const time = new Date(text !== undefined && TIME.test(text) ? text : Number.NaN);
  if (Number.isNaN(time.getTime())) throw new OptionError(`--${name} must be a time such as 2026-11-01T12:00:00Z`);
  return time;
}
