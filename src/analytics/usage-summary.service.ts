import { Injectable } from '@nestjs/common';
import { AppError } from '../platform/errors/index.js';
import { micros, usdMicros } from '../platform/money/index.js';
import { mergeHistograms, percentilesOf } from './domain/latency.js';
import type { SummaryRequest, UsageGroup, UsageSummary, UsageSums } from './domain/summary.js';
import { SummaryRepository, type SummedGroup } from './persistence/summary.repository.js';

/** More groups are refused. */
const GROUPS_MAX = 10_000;

/** Sums of usage by any grouping, for operators. */
@Injectable()
export class UsageSummaryService {
  constructor(private readonly repository: SummaryRepository) {}

  /**
   * Sums of the requests that were received in a time and whose freeze has ended. Equal to what the usage records add up to.
   * @throws AppError `unprocessable` when there are more than 10,000 groups.
   */
  async summarize(request: SummaryRequest): Promise<UsageSummary> {
    // A request of a clock that is ahead is in the future, and counts.
    const endMs = await this.repository.endMs();
    const range = { fromMs: request.from?.getTime() ?? 0, toMs: Math.min(request.to?.getTime() ?? endMs, endMs) };
    const groups = await this.repository.sum(request, range, GROUPS_MAX);
    if (groups.length > GROUPS_MAX) {
      throw new AppError('unprocessable', `more than ${GROUPS_MAX.toString()} groups`, {
        code: 'too_many_groups',
        param: 'group_by',
        hint: 'Narrow the time or the filters, or group by less.',
      });
    }
    return { groups: groups.map(withoutHistograms), total: totalOf(groups) };
  }
}

function withoutHistograms({ by, sums, durationMs, firstTokenMs }: SummedGroup): UsageGroup {
  return { by, sums, durationMs, firstTokenMs };
}

function totalOf(groups: readonly SummedGroup[]): UsageGroup {
  return {
    by: {},
    sums: groups.reduce((total, { sums }) => added(total, sums), NOTHING),
    durationMs: percentilesOf(mergeHistograms(groups.map(({ histograms }) => histograms.duration))),
    firstTokenMs: percentilesOf(mergeHistograms(groups.map(({ histograms }) => histograms.first_token))),
  };
}

const NOTHING: UsageSums = {
  requests: 0,
  streams: 0,
  inputTokens: 0,
  outputTokens: 0,
  cachedInputTokens: 0,
  cachedOutputTokens: 0,
  creditsUsedMicros: micros(0),
  creditsChargedMicros: micros(0),
  shortfallMicros: micros(0),
  usdCostMicros: usdMicros(0n),
  providerCostUsdMicros: usdMicros(0n),
  marginUsdMicros: usdMicros(0n),
};

function added(left: UsageSums, right: UsageSums): UsageSums {
  return {
    requests: left.requests + right.requests,
    streams: left.streams + right.streams,
    inputTokens: left.inputTokens + right.inputTokens,
    outputTokens: left.outputTokens + right.outputTokens,
    cachedInputTokens: left.cachedInputTokens + right.cachedInputTokens,
    cachedOutputTokens: left.cachedOutputTokens + right.cachedOutputTokens,
    creditsUsedMicros: micros(left.creditsUsedMicros + right.creditsUsedMicros),
    creditsChargedMicros: micros(left.creditsChargedMicros + right.creditsChargedMicros),
    shortfallMicros: micros(left.shortfallMicros + right.shortfallMicros),
    usdCostMicros: usdMicros(left.usdCostMicros + right.usdCostMicros),
    providerCostUsdMicros: usdMicros(left.providerCostUsdMicros + right.providerCostUsdMicros),
    marginUsdMicros: usdMicros(left.marginUsdMicros + right.marginUsdMicros),
  };
}
