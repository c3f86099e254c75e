import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import { inTransaction } from '../../platform/database/index.js';
import { requestIdFloor } from '../../platform/ids/index.js';
import {
  DAY_MS,
  floorTo,
  GRAINS,
  nextOf,
  QUARTER_MS,
  type Grain,
  type RollupState,
  type TimeRange,
} from '../domain/segments.js';
import { deleteRolled, ROLL, ROLL_RECORDS } from './rollup-sql.js';

/** A request is frozen at the latest this long after its id was made, and its transaction has ended. */
const FREEZE_LAG_MS = 300_000;
/** Records of one transaction, but for those of its last quarter: a statement must not take longer than the pool allows. */
const STEP_RECORDS = 50_000;
const STALE_MAX = 200;

/** Whole quarters are complete up to the first freeze that is still open. */
const HORIZON = `select extract(epoch from least(now(), (
    select min(created_at) from wallet_freeze where ended_at is null))) * 1000 as open_ms,
  (select extract(epoch from usage_quarter(min(request_id))) * 1000 from usage_record) as first_ms`;
const MAKE_STATE = `insert into usage_rollup_state (quarters_until) values (to_timestamp($1)) on conflict do nothing`;
const READ_STATE = 'select extract(epoch from quarters_until) * 1000 as until_ms from usage_rollup_state';
/** The process that holds the row rolls up; every other one leaves at once. */
const LOCK_STATE = `${READ_STATE} for update skip locked`;
/** The quarter of the record that is so many after a time. */
const END_OF_STEP = `select extract(epoch from usage_quarter(request_id)) * 1000 as ms from usage_record
  where request_id >= $1 order by request_id offset $2 limit 1`;
const SET_STATE = 'update usage_rollup_state set quarters_until = to_timestamp($1)';
const READ_STALE = `select extract(epoch from starts_at) * 1000 as ms from usage_rollup_stale order by starts_at limit $1`;
const DELETE_STALE =
  'delete from usage_rollup_stale where starts_at = any (select to_timestamp(unnest($1::double precision[])))';
/** Keeps `usage_rollup` in step with the usage records. */
@Injectable()
export class RollupRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /**
   * One step: what has changed is summed again, then new quarters of so many records, with every longer time that ends by then.
   * @returns whether more is left to do now.
   */
  advance(recordsMax = STEP_RECORDS): Promise<boolean> {
    return inTransaction(this.dataSource, async (manager) => {
      // Statements over many rows: what the planner guesses of tables that have just been filled must not become a nested loop.
      await manager.query(`set local work_mem = '64MB'`);
      await manager.query('set local jit = off');
      const horizon = await this.horizon(manager);
      await manager.query(MAKE_STATE, [horizon.firstMs / 1000]);
      const [state] = await manager.query<{ until_ms: string }[]>(LOCK_STATE);
      if (state === undefined) return false;
      // Less than before: the clock of the database was ahead. What is received from now on belongs to times that were rolled up.
      const fromMs = Math.min(Number(state.until_ms), horizon.untilMs);
      const untilMs = Math.max(fromMs, Math.min(horizon.untilMs, await this.endOfStep(manager, fromMs, recordsMax)));
      const staleLeft = await this.rollStale(manager, fromMs);
      for (const grain of GRAINS) {
        await this.roll(manager, grain, { fromMs: floorTo(grain, fromMs), toMs: floorTo(grain, untilMs) });
      }
      await manager.query(SET_STATE, [untilMs / 1000]);
      return staleLeft || untilMs < horizon.untilMs;
    });
  }

  /** How far the rollups go, seen by the transaction of a summary. Before the first step nothing is rolled up. */
  async state(manager: EntityManager): Promise<RollupState> {
    const [row] = await manager.query<{ until_ms: string }[]>(READ_STATE);
    const stale = await manager.query<{ ms: string }[]>(READ_STALE, [null]);
    return { untilMs: Number(row?.until_ms ?? 0), staleMs: stale.map(({ ms }) => Number(ms)) };
  }

  private async endOfStep(manager: EntityManager, fromMs: number, recordsMax: number): Promise<number> {
    const [row] = await manager.query<{ ms: string }[]>(END_OF_STEP, [requestIdFloor(fromMs), recordsMax]);
    return row === undefined ? Number.POSITIVE_INFINITY : Math.max(fromMs + QUARTER_MS, Number(row.ms));
  }

  private async horizon(manager: EntityManager): Promise<{ untilMs: number; firstMs: number }> {
    const [row] = await manager.query<{ open_ms: string; first_ms: string | null }[]>(HORIZON);
    const untilMs = Math.floor((Number(row?.open_ms) - FREEZE_LAG_MS) / QUARTER_MS) * QUARTER_MS;
    return { untilMs, firstMs: Math.floor(Math.min(Number(row?.first_ms ?? untilMs), untilMs) / DAY_MS) * DAY_MS };
  }

  /** Quarters that are not rolled up yet will be read with what has changed in them. */
  private async rollStale(manager: EntityManager, untilMs: number): Promise<boolean> {
    const rows = await manager.query<{ ms: string }[]>(READ_STALE, [STALE_MAX]);
    const stale = rows.map(({ ms }) => Number(ms));
    // Deleted before the records are read: what changes meanwhile is noted anew.
    await manager.query(DELETE_STALE, [stale.map((ms) => ms / 1000)]);
    const rolled = stale.filter((ms) => ms < untilMs);
    for (const grain of GRAINS) {
      for (const fromMs of new Set(rolled.map((ms) => floorTo(grain, ms)))) {
        const toMs = nextOf(grain, fromMs);
        if (toMs <= untilMs) await this.roll(manager, grain, { fromMs, toMs });
      }
    }
    return rows.length === STALE_MAX;
  }

  private async roll(manager: EntityManager, grain: Grain, { fromMs, toMs }: TimeRange): Promise<void> {
    if (toMs <= fromMs) return;
    const seconds = [fromMs / 1000, toMs / 1000];
    await manager.query(deleteRolled(grain), seconds);
    if (grain === 'quarter') await manager.query(ROLL_RECORDS, [requestIdFloor(fromMs), requestIdFloor(toMs)]);
    for (const statement of ROLL[grain]) await manager.query(statement, seconds);
  }
}
