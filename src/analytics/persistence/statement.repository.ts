import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import { micros } from '../../platform/money/index.js';
import type { LedgerKind, Tier } from '../../wallet/index.js';
import type { KindSum, StatementParts, TierBalances } from '../domain/statement.js';
import { BALANCES, CHARGES, CREDITS, KINDS, MONTH, MONTHS } from './statement-sql.js';

/** Longest that one part of a statement is looked for. */
const PART_MAX_MS = 120_000;

/** Begin and end of a month, and the time of the reading. */
export interface MonthRow {
  from: Date;
  to: Date;
  now: Date;
}

type Row = Record<string, string>;

/** Reads statements from ledger rows and the records of their requests; nothing is kept. */
@Injectable()
export class StatementRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** @param month `YYYY-MM`. @param timeZone an IANA name. */
  async month(month: string, timeZone: string): Promise<MonthRow> {
    const [row] = await this.dataSource.query<MonthRow[]>(MONTH, [month, timeZone]);
    if (row === undefined) throw new Error('the database knows no months');
    return row;
  }

  /** Months from `first` to now, newest first, before `beforeMonth` when it is given. */
  months(
    timeZone: string,
    first: Date,
    page: { limit: number; beforeMonth: string | null },
  ): Promise<(MonthRow & { month: string })[]> {
    return this.dataSource.query(MONTHS, [timeZone, first, page.beforeMonth, page.limit]);
  }

  /** All parts of one statement as of one moment: a snapshot, so that they agree. */
  async parts(accountId: string, from: Date, to: Date): Promise<StatementParts & { readAt: Date }> {
    return this.dataSource.transaction('REPEATABLE READ', async (manager) => {
      await manager.query(`set transaction read only`);
      await manager.query(`set local statement_timeout = ${PART_MAX_MS.toString()}`);
      await manager.query('set local jit = off');
      const [time] = await manager.query<{ now: Date }[]>('select now() as now');
      const read = (sql: string): Promise<Row[]> => manager.query<Row[]>(sql, [accountId, from, to]);
      return {
        readAt: time?.now ?? new Date(NaN),
        balances: (await read(BALANCES)).map(balancesOf),
        kinds: (await read(KINDS)).map(kindOf),
        credits: await creditsOf(manager, [accountId, from, to]),
        charges: (await read(CHARGES)).map(chargeOf),
      };
    });
  }
}

function integer(row: Row, name: string): bigint {
  return BigInt(row[name] ?? 0);
}

function balancesOf(row: Row): TierBalances {
  const at = (edge: string): TierBalances['opening'] => ({
    availableMicros: micros(integer(row, `${edge}_available`)),
    frozenMicros: micros(integer(row, `${edge}_frozen`)),
  });
  return { tier: row['tier'] as Tier, opening: at('opening'), closing: at('closing') };
}

function kindOf(row: Row): KindSum {
  return {
    tier: row['tier'] as Tier,
    kind: row['kind'] as LedgerKind,
    count: Number(row['count']),
    availableMicros: integer(row, 'available'),
    frozenMicros: integer(row, 'frozen'),
  };
}

async function creditsOf(manager: EntityManager, values: unknown[]): Promise<StatementParts['credits']> {
  const rows = await manager.query<
    { tier: Tier; kind: LedgerKind; seq: string; at: Date; note: string; amount: string }[]
  >(CREDITS, values);
  return rows.map(({ tier, kind, seq, at, note, amount }) => {
    return { tier, kind, entryId: `${tier}:${seq}`, at, note, amountMicros: micros(BigInt(amount)) };
  });
}

function chargeOf(row: Row): StatementParts['charges'][number] {
  return {
    tier: row['tier'] as Tier,
    section: row['section'] === 'charge' ? 'charge' : 'correction',
    by: row['by'] as 'all' | 'model' | 'key',
    id: row['id'] ?? null,
    name: row['name'] ?? null,
    members: Number(row['members']),
    requests: Number(row['requests']),
    inputTokens: integer(row, 'input_tokens'),
    outputTokens: integer(row, 'output_tokens'),
    cachedInputTokens: integer(row, 'cached_input_tokens'),
    cachedOutputTokens: integer(row, 'cached_output_tokens'),
    chargedMicros: micros(integer(row, 'charged')),
    reversedMicros: micros(integer(row, 'reversed')),
  };
}
