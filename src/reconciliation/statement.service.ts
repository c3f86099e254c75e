import { Injectable } from '@nestjs/common';
import { Clock } from '../platform/clock/index.js';
import { AppError } from '../platform/errors/index.js';
import { ProviderAdmin } from '../provider/index.js';
import type { Difference } from './domain/difference.js';
import {
  compareDays,
  DEFAULT_TOLERANCE,
  differencesOfDay,
  parseStatement,
  StatementError,
  type ComparedDay,
  type CostTolerance,
  type DayUse,
} from './domain/statement.js';
import { StatementRepository, type Days } from './persistence/statement.repository.js';

/** Statements this old are compared no more by themselves. */
const COMPARED_DAYS = 35;
const ASKED_DAYS_MAX = 366;
const DAY_MS = 86_400_000;

export interface StatementComparison {
  days: Days;
  compared: ComparedDay[];
  differences: Difference[];
}

/** Compares what providers say that we used with what our usage records say, by day and model. */
@Injectable()
export class StatementService {
  constructor(
    private readonly repository: StatementRepository,
    private readonly providers: ProviderAdmin,
    private readonly clock: Clock,
  ) {}

  /**
   * Keeps a statement (CSV) in place of what was known about its days, and compares it.
   * @throws AppError `invalid_statement` naming line and column, `not_found` for the provider.
   */
  async import(
    providerId: string,
    csv: string,
    tolerance: CostTolerance = DEFAULT_TOLERANCE,
  ): Promise<StatementComparison & { lines: number }> {
    const provider = await this.providers.read(providerId);
    const lines = readStatement(csv);
    await this.repository.replace(provider.id, lines);
    return { ...(await this.compareWith(provider, daysOf(lines), tolerance)), lines: lines.length };
  }

  /**
   * Compares the statements about some days, by default the last 35.
   * @throws AppError `not_found` for the provider, `invalid_field` for more than a year.
   */
  async compare(
    providerId: string,
    days: { first?: string | undefined; last?: string | undefined } = {},
    tolerance: CostTolerance = DEFAULT_TOLERANCE,
  ): Promise<StatementComparison> {
    const recent = this.recentDays();
    const asked = { first: days.first ?? recent.first, last: days.last ?? recent.last };
    if (Date.parse(asked.last) - Date.parse(asked.first) > ASKED_DAYS_MAX * DAY_MS) {
      const message = `from: must be at most ${ASKED_DAYS_MAX} days before to`;
      throw new AppError('unprocessable', message, { code: 'invalid_field', param: 'from' });
    }
    return this.compareWith(await this.providers.read(providerId), asked, tolerance);
  }

  /** Differences to all statements about the last 35 days. */
  async recentDifferences(): Promise<Difference[]> {
    const days = this.recentDays();
    const found: Difference[] = [];
    for (const provider of await this.repository.providersWithStatements(days)) {
      found.push(...(await this.compareWith(provider, days, DEFAULT_TOLERANCE)).differences);
    }
    return found;
  }

  private recentDays(): Days {
    const nowMs = this.clock.nowMs();
    return { first: dayOf(nowMs - COMPARED_DAYS * DAY_MS), last: dayOf(nowMs) };
  }

  private async compareWith(
    { id, name }: { id: string; name: string },
    days: Days,
    tolerance: CostTolerance,
  ): Promise<StatementComparison> {
    const compared = compareDays(await this.repository.theirs(id, days), await this.repository.ours(id, days));
    return { days, compared, differences: compared.flatMap((day) => differencesOfDay(name, day, tolerance)) };
  }
}

function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

function daysOf(lines: readonly DayUse[]): Days {
  const days = lines.map(({ day }) => day).sort();
  return { first: days[0] ?? '', last: days.at(-1) ?? '' };
}

function readStatement(csv: string): DayUse[] {
  try {
    return parseStatement(csv);
  } catch (error) {
    if (!(error instanceof StatementError)) throw error;
    throw new AppError('unprocessable', `csv: ${error.message}`, {
      code: 'invalid_statement',
      param: 'csv',
      cause: error,
    });
  }
}
