import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import { inTransaction } from '../../platform/database/index.js';
import { requestIdFloor } from '../../platform/ids/index.js';
import { DAY_MS, QUARTER_MS, type RollupState, type TimeRange } from '../domain/segments.js';
import { DIMENSIONS, HISTOGRAMS, RECORD_PARTS, SUMS } from './rollup-columns.js';

/** A request is frozen at the latest this long after its id was made, and its transaction has ended. */
const FREEZE_LAG_MS = 300_000;
/** Quarters of one transaction. */
const STEP_MS = DAY_MS;
const STALE_MAX = 200;

/** Whole quarters are complete up to the first freeze that is still open. */
const HORIZON = `select extract(epoch from least(now(), (
    select min(created_at) from wallet_freeze where ended_at is null))) * 1000 as open_ms,
  (select extract(epoch from usage_quarter(min(request_id))) * 1000 from usage_record) as first_ms`;
const MAKE_STATE = `insert into usage_rollup_state (quarters_until, days_until)
  values (to_timestamp($1), to_timestamp($1)) on conflict do nothing`;
const READ_STATE = `select extract(epoch from quarters_until) * 1000 as quarters_until_ms,
    extract(epoch from days_until) * 1000 as days_until_ms
  from usage_rollup_state`;
/** Whoever holds the row rolls up; everybody else leaves at once. */
const LOCK_STATE = `${READ_STATE} for update skip locked`;
const SET_QUARTERS = 'update usage_rollup_state set quarters_until = to_timestamp($1)';
const SET_DAYS = 'update usage_rollup_state set days_until = to_timestamp($1)';
const READ_STALE = `select extract(epoch from starts_at) * 1000 as ms from usage_rollup_stale order by starts_at limit $1`;
const DELETE_STALE =
  'delete from usage_rollup_stale where starts_at = any (select to_timestamp(unnest($1::double precision[])))';
const DELETE_ROLLED = `delete from usage_rollup where grain = $1 and starts_at >= to_timestamp($2) and starts_at < to_timestamp($3)`;

const NAMES = DIMENSIONS.join(', ');
const SUM_NAMES = SUMS.join(', ');
const HISTOGRAM_NAMES = HISTOGRAMS.flatMap((name) => [`${name}_slots`, `${name}_counts`]).join(', ');
const SUM_LIST = SUMS.map((name) => `sum(${name}) as ${name}`).join(', ');

/** Sums a relation `part` of rollup rows by its dimensions; empty arrays where nothing has a latency. */
function rollUp(grain: 'quarter' | 'day', startsAt: string, part: string): string {
  const counted = (name: string): string => `${name}_counted as (
    select starts_at, ${NAMES}, array_agg(slot order by slot) as ${name}_slots, array_agg(n order by slot) as ${name}_counts
      from (select starts_at, ${NAMES}, s.slot, sum(s.n)::bigint as n
          from part cross join lateral unnest(${name}_slots, ${name}_counts) as s (slot, n)
        group by starts_at, ${NAMES}, s.slot) slots
      group by starts_at, ${NAMES})`;
  return `insert into usage_rollup (grain, starts_at, ${NAMES}, ${SUM_NAMES}, ${HISTOGRAM_NAMES})
    with part as materialized (select ${startsAt} as starts_at, p.* from (${part}) p),
    summed as (select starts_at, ${NAMES}, ${SUM_LIST} from part group by starts_at, ${NAMES}),
    ${HISTOGRAMS.map(counted).join(', ')}
    select '${grain}', starts_at, ${NAMES}, ${SUM_NAMES},
      ${HISTOGRAM_NAMES.split(', ')
        .map((name) => `coalesce(${name}, '{}')`)
        .join(', ')}
    from summed ${HISTOGRAMS.map((name) => `left join ${name}_counted using (starts_at, ${NAMES})`).join(' ')}`;
}

const ROLL_QUARTERS = rollUp(
  'quarter',
  'usage_quarter(p.request_id)',
  `select u.request_id, ${RECORD_PARTS} from usage_record u where u.request_id >= $1 and u.request_id < $2`,
);
const ROLL_DAYS = rollUp(
  'day',
  `date_trunc('day', p.quarter, 'UTC')`,
  `select starts_at as quarter, ${NAMES}, ${SUM_NAMES}, ${HISTOGRAM_NAMES} from usage_rollup
    where grain = 'quarter' and starts_at >= to_timestamp($1) and starts_at < to_timestamp($2)`,
);

/** Keeps `usage_rollup` in step with the usage records. */
@Injectable()
export class RollupRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /**
   * One step: what has changed is summed again, then at most a day of new quarters, then days that are complete.
   * @returns whether more is left to do now.
   */
  advance(): Promise<boolean> {
    return inTransaction(this.dataSource, async (manager) => {
      const horizon = await this.horizon(manager);
      await manager.query(MAKE_STATE, [horizon.firstMs / 1000]);
      const [state] = await manager.query<{ quarters_until_ms: string; days_until_ms: string }[]>(LOCK_STATE);
      if (state === undefined) return false;
      const fromMs = Number(state.quarters_until_ms);
      const untilMs = Math.max(fromMs, Math.min(horizon.untilMs, fromMs + STEP_MS));
      const daysMs = Number(state.days_until_ms);
      const staleLeft = await this.rollStale(manager, { quartersUntilMs: fromMs, daysUntilMs: daysMs });
      await this.rollQuarters(manager, { fromMs, toMs: untilMs });
      await manager.query(SET_QUARTERS, [untilMs / 1000]);
      await this.rollCompleteDays(manager, daysMs, untilMs);
      return staleLeft || untilMs < horizon.untilMs;
    });
  }

  /** How far the rollups go, seen by the transaction of a summary. Before the first step nothing is rolled up. */
  async state(manager: EntityManager): Promise<RollupState> {
    const [row] = await manager.query<{ quarters_until_ms: string; days_until_ms: string }[]>(READ_STATE);
    const stale = await manager.query<{ ms: string }[]>(READ_STALE, [null]);
    return {
      quartersUntilMs: Number(row?.quarters_until_ms ?? 0),
      daysUntilMs: Number(row?.days_until_ms ?? 0),
      staleMs: stale.map(({ ms }) => Number(ms)),
    };
  }

  private async horizon(manager: EntityManager): Promise<{ untilMs: number; firstMs: number }> {
    const [row] = await manager.query<{ open_ms: string; first_ms: string | null }[]>(HORIZON);
    const untilMs = Math.floor((Number(row?.open_ms) - FREEZE_LAG_MS) / QUARTER_MS) * QUARTER_MS;
    return { untilMs, firstMs: Math.floor(Math.min(Number(row?.first_ms ?? untilMs), untilMs) / DAY_MS) * DAY_MS };
  }

  /** Quarters that are not rolled up yet will be read with what has changed in them. */
  private async rollStale(manager: EntityManager, state: Omit<RollupState, 'staleMs'>): Promise<boolean> {
    const rows = await manager.query<{ ms: string }[]>(READ_STALE, [STALE_MAX]);
    const stale = rows.map(({ ms }) => Number(ms));
    // Deleted before the records are read: what changes meanwhile is noted anew.
    await manager.query(DELETE_STALE, [stale.map((ms) => ms / 1000)]);
    const rolled = stale.filter((ms) => ms < state.quartersUntilMs);
    for (const fromMs of rolled) await this.rollQuarters(manager, { fromMs, toMs: fromMs + QUARTER_MS });
    const days = new Set(rolled.map((ms) => Math.floor(ms / DAY_MS) * DAY_MS));
    for (const fromMs of days) {
      if (fromMs < state.daysUntilMs) await this.rollDays(manager, { fromMs, toMs: fromMs + DAY_MS });
    }
    return rows.length === STALE_MAX;
  }

  private async rollCompleteDays(manager: EntityManager, fromMs: number, quartersUntilMs: number): Promise<void> {
    const toMs = Math.floor(quartersUntilMs / DAY_MS) * DAY_MS;
    if (toMs <= fromMs) return;
    await this.rollDays(manager, { fromMs, toMs });
    await manager.query(SET_DAYS, [toMs / 1000]);
  }

  private async rollQuarters(manager: EntityManager, { fromMs, toMs }: TimeRange): Promise<void> {
    if (toMs <= fromMs) return;
    await manager.query(DELETE_ROLLED, ['quarter', fromMs / 1000, toMs / 1000]);
    await manager.query(ROLL_QUARTERS, [requestIdFloor(fromMs), requestIdFloor(toMs)]);
  }

  private async rollDays(manager: EntityManager, { fromMs, toMs }: TimeRange): Promise<void> {
    await manager.query(DELETE_ROLLED, ['day', fromMs / 1000, toMs / 1000]);
    await manager.query(ROLL_DAYS, [fromMs / 1000, toMs / 1000]);
  }
}
