import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import { requestIdFloor } from '../../platform/ids/index.js';
import type { CubeName } from '../domain/cubes.js';
import { nextOf, type Grain, type RollupState, type TimeRange } from '../domain/segments.js';
import { cubesAndWhole, NEXT_TIME, QUARTERS_AND_RECORDS, QUARTERS_AND_RECORDS_OF_ACCOUNT } from './rollup-audit-sql.js';
import { ADDED, HISTOGRAMS } from './rollup-columns.js';
import { RollupRepository } from './rollup.repository.js';

type Sums = Readonly<Record<string, string>>;

/** Sums of one step of time that are not what they were made from. */
export interface RollupDifference {
  cube: CubeName;
  grain: Grain;
  startsAt: Date;
  /** The columns that differ, e.g. `requests 3, credits_used 1200`; `null` when there should be no row, or is none. */
  expected: string | null;
  found: string | null;
}

/** Reads sums of usage beside what they were made from. */
@Injectable()
export class RollupAuditRepository {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly rollups: RollupRepository,
  ) {}

  /** The first time from one on of which there is anything; `null` after the last. */
  async nextMs(fromMs: number): Promise<number | null> {
    const [row] = await this.dataSource.query<{ ms: string | null }[]>(NEXT_TIME, [
      requestIdFloor(fromMs),
      fromMs / 1000,
    ]);
    const ms = row?.ms ?? null;
    return ms === null ? null : Number(ms);
  }

  /** What differs in a range of whole steps of these grains, with `records` also between quarters and records. */
  differences(
    range: TimeRange,
    grains: readonly Grain[],
    { records, accountId }: { records: boolean; accountId?: string | undefined },
  ): Promise<RollupDifference[]> {
    return this.dataSource.transaction('REPEATABLE READ', async (manager) => {
      await manager.query('set transaction read only');
      await manager.query('set local jit = off');
      const state = await this.rollups.state(manager);
      const seconds = [range.fromMs / 1000, range.toMs / 1000];
      const found: RollupDifference[] = [];
      const compare = async (grain: Grain, sql: string, values: unknown[]): Promise<void> => {
        found.push(...(await differing(manager, grain, sql, values)).filter((one) => isRolled(one, state)));
      };
      if (records) {
        const ids = [requestIdFloor(range.fromMs), requestIdFloor(range.toMs)];
        if (accountId === undefined) await compare('quarter', QUARTERS_AND_RECORDS, [...seconds, ...ids]);
        else await compare('quarter', QUARTERS_AND_RECORDS_OF_ACCOUNT, [...seconds, ...ids, accountId]);
      }
      for (const grain of grains) await compare(grain, cubesAndWhole(grain), seconds);
      return found;
    });
  }
}

async function differing(
  manager: EntityManager,
  grain: Grain,
  sql: string,
  values: unknown[],
): Promise<RollupDifference[]> {
  const rows = await manager.query<{ cube: CubeName; ms: string; expected: Sums | null; found: Sums | null }[]>(
    sql,
    values,
  );
  return rows.map(({ cube, ms, expected, found }) => {
    const names = ADDED.filter((name) => expected?.[name] !== found?.[name]);
    const side = (sums: Sums | null): string | null => (sums === null ? null : names.map(textOf(sums)).join(', '));
    return { cube, grain, startsAt: new Date(Number(ms)), expected: side(expected), found: side(found) };
  });
}

/** A packed histogram is long and tells people nothing. */
function textOf(sums: Sums): (name: string) => string {
  return (name) => (HISTOGRAMS.some((one) => one === name) ? `other ${name}` : `${name} ${sums[name] ?? ''}`);
}

/** Whether a summary would read the step: it is over, and no quarter of it is marked. */
function isRolled({ grain, startsAt }: RollupDifference, { untilMs, staleMs }: RollupState): boolean {
  const [fromMs, toMs] = [startsAt.getTime(), nextOf(grain, startsAt.getTime())];
  return toMs <= untilMs && !staleMs.some((ms) => ms >= fromMs && ms < toMs);
}
