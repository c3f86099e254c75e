import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import { requestIdFloor } from '../../platform/ids/index.js';
import { micros, usdMicros } from '../../platform/money/index.js';
import { percentilesOf, type Histogram } from '../domain/latency.js';
import { planSegments, type TimeRange } from '../domain/segments.js';
import { canUseDays, type Grouping, type SummaryRequest, type UsageGroup, type UsageSums } from '../domain/summary.js';
import { DIMENSIONS, HISTOGRAMS, RECORD_PARTS, SUMS } from './rollup-columns.js';
import { RollupRepository } from './rollup.repository.js';

const ROLLUP_COLUMNS = [
  ...DIMENSIONS,
  ...SUMS,
  ...HISTOGRAMS.flatMap((name) => [`${name}_slots`, `${name}_counts`]),
].join(', ');

const ZONE = '$7::text';

/** The SQL of each grouping, as text; `starts_at` is the begin of a quarter, or of a day of UTC. */
const GROUPED_BY: Readonly<Record<Grouping, string>> = {
  key: 'api_key_id::text',
  account: 'account_id::text',
  model: 'model_key',
  provider: 'provider',
  tier: 'tier',
  status: 'status',
  day: `to_char(date_trunc('day', starts_at, ${ZONE}) at time zone ${ZONE}, 'YYYY-MM-DD')`,
  hour: `to_char(date_trunc('hour', starts_at, ${ZONE}) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`,
};

/** Days, quarters and records of the segments as rows of one kind, filtered. `$7` is the time zone. */
const PARTS = `part as (
  select p.* from (
    select starts_at, ${ROLLUP_COLUMNS} from usage_rollup
      join unnest($1::double precision[], $2::double precision[]) as r (f, t)
        on grain = 'day' and starts_at >= to_timestamp(r.f) and starts_at < to_timestamp(r.t)
    union all
    select starts_at, ${ROLLUP_COLUMNS} from usage_rollup
      join unnest($3::double precision[], $4::double precision[]) as r (f, t)
        on grain = 'quarter' and starts_at >= to_timestamp(r.f) and starts_at < to_timestamp(r.t)
    union all
    select usage_quarter(u.request_id), ${RECORD_PARTS} from usage_record u
      join unnest($5::text[], $6::text[]) as r (f, t) on u.request_id >= r.f and u.request_id < r.t
  ) p
  where ${ZONE} is not null and ($8::uuid is null or api_key_id = $8) and ($9::uuid is null or account_id = $9)
    and ($10::text is null or model_key = $10) and ($11::text is null or provider = $11)
    and ($12::text is null or tier = $12) and ($13::text is null or status = $13))`;

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

  /** Groups in order of time, then of what was charged. @param groupsMax one more than this is read at most. */
  async sum(request: SummaryRequest, range: TimeRange, groupsMax: number): Promise<SummedGroup[]> {
    // One snapshot, so that a quarter that is rolled up meanwhile is neither missed nor seen twice.
    return this.dataSource.transaction('REPEATABLE READ', async (manager) => {
      const values = await this.valuesOf(manager, request, range);
      const columns = request.groupBy.map((name, at) => `${GROUPED_BY[name]} as g${at.toString()}`);
      const groups = request.groupBy.map((_name, at) => (at + 1).toString()).join(', ');
      const by = groups === '' ? '' : `group by ${groups}`;
      const sums = SUMS.map((name) => `coalesce(sum(${name}), 0)::text as ${name}`);
      const rows = await manager.query<Row[]>(
        `with ${PARTS} select ${[...columns, ...sums].join(', ')} from part ${by} limit ${(groupsMax + 1).toString()}`,
        values,
      );
      const slots = await manager.query<Row[]>(
        `with ${PARTS} ${HISTOGRAMS.map((name) => histogramSql(name, columns)).join(' union all ')}`,
        values,
      );
      return inOrder(groupsOf(rows, slots, request.groupBy));
    });
  }

  private async valuesOf(manager: EntityManager, request: SummaryRequest, range: TimeRange): Promise<unknown[]> {
    const state = await this.rollups.state(manager);
    const { days, quarters, records } = planSegments(range, state, canUseDays(request.groupBy, request.timeZone));
    const { apiKeyId, accountId, modelKey, provider, tier, status } = request.filter;
    return [
      ...secondsOf(days),
      ...secondsOf(quarters),
      records.map(({ fromMs }) => requestIdFloor(fromMs)),
      records.map(({ toMs }) => requestIdFloor(toMs)),
      request.timeZone,
      ...[apiKeyId, accountId, modelKey, provider, tier, status].map((value) => value ?? null),
    ];
  }
}

function secondsOf(ranges: readonly TimeRange[]): [number[], number[]] {
  return [ranges.map(({ fromMs }) => fromMs / 1000), ranges.map(({ toMs }) => toMs / 1000)];
}

function histogramSql(name: string, columns: readonly string[]): string {
  const groups = Array.from({ length: columns.length + 2 }, (_, at) => (at + 1).toString());
  const select = [...columns, `'${name}' as histogram`, 's.slot::text as slot'].join(', ');
  return `(select ${select}, sum(s.n)::text as n from part
    cross join lateral unnest(${name}_slots, ${name}_counts) as s (slot, n) group by ${groups.join(', ')})`;
}

function groupsOf(rows: readonly Row[], slots: readonly Row[], groupBy: readonly Grouping[]): SummedGroup[] {
  const keyOf = (row: Row): string => JSON.stringify(groupBy.map((_name, at) => row[`g${at.toString()}`]));
  const histograms = new Map<string, { slot: number; count: number }[]>();
  for (const row of slots) {
    const key = `${row['histogram'] ?? ''} ${keyOf(row)}`;
    const list = histograms.get(key) ?? [];
    histograms.set(key, list);
    list.push({ slot: Number(row['slot']), count: Number(row['n']) });
  }
  return rows.map((row) => {
    const duration = histograms.get(`duration ${keyOf(row)}`) ?? [];
    const firstToken = histograms.get(`first_token ${keyOf(row)}`) ?? [];
    return {
      by: Object.fromEntries(groupBy.map((name, at) => [name, row[`g${at.toString()}`] ?? ''])),
      sums: sumsOf(row),
      durationMs: percentilesOf(duration),
      firstTokenMs: percentilesOf(firstToken),
      histograms: { duration, first_token: firstToken },
    };
  });
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
