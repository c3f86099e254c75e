import { Injectable } from '@nestjs/common';
import { AppError } from '../platform/errors/index.js';
import { statementFaults, walletStatements, type Statement, type StatementMonth } from './domain/statement.js';
import { StatementRepository, type MonthRow } from './persistence/statement.repository.js';

/** After the end of a month, movements whose writing began within it have all been written by then. */
const CLOSED_AFTER_MS = 300_000;

export interface StatementRequest {
  account: { id: string; createdAt: Date };
  /** `YYYY-MM`. */
  month: string;
  /** IANA name; months begin at its midnight. */
  timeZone: string;
}

/** What moved the balances of an account in a month, from the ledger itself. */
@Injectable()
export class StatementService {
  constructor(private readonly repository: StatementRepository) {}

  /**
   * The statement of one month. The current one is provisional, and so is the last one for its first five minutes.
   * @throws AppError `not_found` (`statement_not_found`) before the account was made and for months to come; `internal`
   * (`statement_differs`) when the ledger does not add up: a wrong statement is none.
   */
  async read({ account, month, timeZone }: StatementRequest): Promise<Statement> {
    const row = await this.repository.month(month, timeZone);
    if (row.from > row.now) throw notFound('the month has not begun', `It begins at ${row.from.toISOString()}.`);
    if (row.to <= account.createdAt) {
      throw notFound('the account did not exist in that month', `It was made at ${account.createdAt.toISOString()}.`);
    }
    const { readAt, ...parts } = await this.repository.parts(account.id, row.from, row.to);
    const wallets = walletStatements(parts);
    const faults = statementFaults(wallets, parts.kinds);
    if (faults.length > 0) throw differs(faults);
    return { accountId: account.id, timeZone, ...monthOf(month, { ...row, now: readAt }), wallets };
  }

  /** Months that there are statements of, newest first. `cursor` is the month before which to go on. */
  async months(
    account: { createdAt: Date },
    timeZone: string,
    page: { limit: number; cursor: string | null },
  ): Promise<{ items: StatementMonth[]; nextCursor: string | null }> {
    const rows = await this.repository.months(timeZone, account.createdAt, {
      limit: page.limit + 1,
      beforeMonth: page.cursor,
    });
    const items = rows.slice(0, page.limit).map((row) => monthOf(row.month, row));
    return { items, nextCursor: rows.length > page.limit ? (items.at(-1)?.month ?? null) : null };
  }
}

function monthOf(month: string, { from, to, now }: MonthRow): StatementMonth {
  const isOver = now >= to;
  return {
    month,
    from,
    to,
    upTo: isOver ? to : now,
    isProvisional: now.getTime() < to.getTime() + CLOSED_AFTER_MS,
  };
}

function notFound(message: string, hint: string): AppError {
  return new AppError('not_found', message, { code: 'statement_not_found', param: 'month', hint });
}

function differs(faults: readonly string[]): AppError {
  return new AppError('internal', 'the ledger of this account does not add up, so there is no statement of it', {
    code: 'statement_differs',
    hint: 'Run ledger:verify for this account; it names the rows at fault.',
    detail: faults.join('; '),
  });
}
