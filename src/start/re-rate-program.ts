import {
  BillingModule,
  ReRateService,
  type ReRateDifference,
  type ReRateReport,
  type ReRateRequest,
} from '../billing/index.js';
import { readConfig } from '../platform/config/index.js';
import { AppError } from '../platform/errors/index.js';
import { formatDecimal } from '../platform/money/index.js';
import { onFoundDatabase } from './open-database.js';
import { OptionError, readReRateOptions, RE_RATE_USAGE, type ReRateOptions } from './re-rate-options.js';
import { withModule } from './reading-app.js';

/** Runs the command. @returns the exit code. */
export async function reRate(args: readonly string[]): Promise<number> {
  try {
    const options = readReRateOptions(args);
    if (options === null) {
      process.stdout.write(RE_RATE_USAGE);
      return 0;
    }
    const report = await run(options);
    return report.differences === 0 ? 0 : 1;
  } catch (error) {
    const hint = error instanceof OptionError ? '\n\n' + RE_RATE_USAGE : '\n';
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}${hint}`);
    return 2;
  }
}

async function run({ request, json }: ReRateOptions): Promise<ReRateReport> {
  try {
    return await onFoundDatabase(readConfig(process.env), ({ config, place }) =>
      withModule(config, 're-rate', BillingModule, async (app) => {
        const print = (line: string): boolean => process.stdout.write(`${line}\n`);
        const onDifference = (difference: ReRateDifference): boolean =>
          print(json ? JSON.stringify({ difference: differenceJson(difference) }) : differenceText(difference));
        const report = await app.get(ReRateService).run(request, onDifference);
        print(
          json ? JSON.stringify({ report: reportJson(request, report) }) : `looked in ${place}\n${reportText(report)}`,
        );
        return report;
      }),
    );
  } catch (error) {
    if (error instanceof AppError) throw new OptionError(`--${error.message}`);
    throw error;
  }
}

function differenceJson(difference: ReRateDifference): Record<string, unknown> {
  const { accountId, requestId, modelKey, priceId, recordedMicros, reRatedMicros } = difference;
  return {
    account_id: accountId,
    request_id: requestId,
    model_key: modelKey,
    price_id: priceId,
    recorded: formatDecimal(recordedMicros),
    re_rated: reRatedMicros === null ? null : formatDecimal(reRatedMicros),
  };
}

function differenceText({ requestId, modelKey, priceId, recordedMicros, reRatedMicros }: ReRateDifference): string {
  const found =
    reRatedMicros === null ? 'the price version does not exist' : `its tokens cost ${formatDecimal(reRatedMicros)}`;
  return `${requestId} ${modelKey}: recorded ${formatDecimal(recordedMicros)}, ${found} (price ${priceId})`;
}

function reportJson(request: ReRateRequest, report: ReRateReport): Record<string, unknown> {
  return {
    from: request.from.toISOString(),
    to: request.to.toISOString(),
    price_id: report.price?.id ?? null,
    price_version: report.price?.version ?? null,
    ...sumJson(report),
    differences: report.differences,
    sums: report.sums.map((sum) => ({ model_key: sum.modelKey, price_id: sum.priceId, ...sumJson(sum) })),
  };
}

function sumJson({
  requests,
  recordedMicros,
  reRatedMicros,
}: Pick<ReRateReport, 'requests' | 'recordedMicros' | 'reRatedMicros'>) {
  return {
    requests,
    recorded: formatDecimal(recordedMicros),
    re_rated: formatDecimal(reRatedMicros),
    change: formatDecimal(reRatedMicros - recordedMicros),
  };
}

function reportText(report: ReRateReport): string {
  const lines = [
    ...report.sums.map((sum) => `${sum.modelKey} (price ${sum.priceId}): ${sumText(sum)}`),
    `all: ${sumText(report)}`,
  ];
  const { price } = report;
  if (price === null) lines.push(`differences: ${String(report.differences)}`);
  else lines.push(`under version ${String(price.version)} (price ${price.id}); nothing was changed`);
  return lines.join('\n');
}

function sumText(sum: Pick<ReRateReport, 'requests' | 'recordedMicros' | 'reRatedMicros'>): string {
  const { requests, recorded, re_rated, change } = sumJson(sum);
  return `${String(requests)} requests, recorded ${recorded}, re-rated ${re_rated}, change ${change}`;
}
