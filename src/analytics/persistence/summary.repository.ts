import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import { micros, usdMicros } from '../../platform/money/index.js';
import { cubeFor } from '../domain/cubes.js';
import { percentilesOf, unpackHistogram, type Histogram } from '../domain/latency.js';
import { planSegments, type Grain, type Piece, type TimeRange } from '../domain/segments.js';
import type { Grouping, SummaryRequest, UsageGroup, UsageSums } from '../domain/summary.js';
import type { HISTOGRAMS } from './rollup-columns.js';
import { RollupRepository } from './rollup.repository.js';
import { DAYS, FIRST_USED, LAST_USED, SETTINGS, summaryStatement, WHOLE_HOURS } from './summary-sql.js';

type Row = Record<string, string>;

/** A group with what its percentiles are made of. */
export interface SummedGroup extends UsageGroup {
  histograms: Readonly<Record<(typeof HISTOGRAMS)[number], Histogram>>;
}

/** Sums usage from rollups as far as they go, and from records. */
@Injectable()
export class SummaryRepository {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly rollups: RollupRepository,
  ) {}

  /** After every record that there is, and not before now. */
  async endMs(): Promise<number> {
    const [row] = await this.dataSource.query<{ ms: string }[]>(LAST_USED);
    return Number(row?.ms);
  }

  /** Groups in order of time, then of what was charged. @param groupsMax one more than this is read at most. */
  async sum(request: SummaryRequest, range: TimeRange, groupsMax: number): Promise<SummedGroup[]> {
    // One snapshot, so that a quarter that is rolled up meanwhile is neither missed nor seen twice.
    return this.dataSource.transaction('REPEATABLE READ', async (manager) => {
      await manager.query(SETTINGS);
      const state = await this.rollups.state(manager);
      const cube = cubeFor(request.groupBy, request.filter);
      const { pieces, grains } = await this.timesOf(manager, request, range);
      const usable = grains.filter((grain) => grain === 'quarter' || cube.grains.includes(grain));
      const plan = planSegments(pieces, state, usable);
      const { text, values } = summaryStatement(request, cube, plan, groupsMax + 1);
      const rows = await manager.query<Row[]>(text, values);
      return inOrder(rows.map((row) => groupOf(row, request.groupBy)));
    });
  }

  /** How a range is cut by what it is grouped by, and which sums lie within one group each; the longest first. */
  private async timesOf(
    manager: EntityManager,
    { groupBy, timeZone }: SummaryRequest,
    range: TimeRange,
  ): Promise<{ pieces: Piece[]; grains: Grain[] }> {
    const grains: Grain[] = groupBy.includes('hour') ? ['hour', 'quarter'] : ['day', 'shift', 'hour', 'quarter'];
    if (!groupBy.includes('day') && !groupBy.includes('hour')) {
      return { pieces: [{ ...range, label: null }], grains: ['month', 'week', ...grains] };
    }
    const [first] = await manager.query<{ ms: string | null }[]>(FIRST_USED);
    const seconds = [
      Math.max(range.fromMs, Math.min(range.toMs, Number(first?.ms ?? range.toMs))) / 1000,
      range.toMs / 1000,
    ];
    if (groupBy.includes('hour')) {
      const [hours] = await manager.query<{ whole: boolean }[]>(WHOLE_HOURS, [...seconds, timeZone]);
      if (hours?.whole !== true) grains.shift();
    }
    if (!groupBy.includes('day')) return { pieces: [{ ...range, label: null }], grains };
    const days = await manager.query<{ day: string; ms: string }[]>(DAYS, [...seconds, timeZone]);
    return { pieces: piecesOf(range, days), grains };
  }
}

/** A range cut at midnights; `days` begin at or before it. */
function piecesOf(range: TimeRange, days: readonly { day: string; ms: string }[]): Piece[] {
  return days
    .map(({ day, ms }, at) => ({
      fromMs: Math.max(range.fromMs, Number(ms)),
      toMs: Math.min(range.toMs, Number(days[at + 1]?.ms ?? range.toMs)),
      label: day,
    }))
    .filter(({ fromMs, toMs }) => fromMs < toMs);
}

function groupOf(row: Row, groupBy: readonly Grouping[]): SummedGroup {
  const duration = unpackHistogram(row['duration'] ?? '');
  const firstToken = unpackHistogram(row['first_token'] ?? '');
  return {
    by: Object.fromEntries(groupBy.map((name, at) => [name, row[`g${at.toString()}`] ?? ''])),
    sums: sumsOf(row),
    durationMs: percentilesOf(duration),
    firstTokenMs: percentilesOf(firstToken),
    histograms: { duration, first_token: firstToken },
  };
}

function sumsOf(row: Row): UsageSums {
  const integer = (name: string): bigint => BigInt(row[name] ?? 0);
  return {
    requests: Number(row['requests']),
    streams: Number(row['streams']),
    inputTokens: Number(row['input_tokens']),
    outputTokens: Number(row['output_tokens']),
    cachedInputTokens: Number(row['cached_input_tokens']),
    cachedOutputTokens: Number(row['cached_output_tokens']),
    creditsUsedMicros: micros(integer('credits_used')),
    creditsChargedMicros: micros(integer('credits_charged')),
    shortfallMicros: micros(integer('shortfall')),
    usdCostMicros: usdMicros(integer('usd_cost')),
    providerCostUsdMicros: usdMicros(integer('provider_cost_usd')),
    marginUsdMicros: usdMicros(integer('margin_usd')),
  };
}

function inOrder(groups: SummedGroup[]): SummedGroup[] {
  const time = ({ by }: SummedGroup): string => `${by.day ?? ''} ${by.hour ?? ''}`;
  const compare = (one: SummedGroup, other: SummedGroup): number => {
    if (time(one) !== time(other)) return time(one) < time(other) ? -1 : 1;
    const [left, right] = [one.sums.creditsChargedMicros, other.sums.creditsChargedMicros];
    if (left !== right) return left > right ? -1 : 1;
    return JSON.stringify(one.by) < JSON.stringify(other.by) ? -1 : 1;
  };
  return groups.sort(compare);
}
