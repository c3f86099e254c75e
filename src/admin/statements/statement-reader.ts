import { Injectable, Module } from '@nestjs/common';
import { AnalyticsModule, StatementService } from '../../analytics/index.js';
import { AccountService, AuthModule } from '../../auth/index.js';
import { statementFile, type StatementFile } from './statement-answer.js';
import { statementView, type StatementFormat, type StatementView } from './statement.schema.js';

export interface StatementWanted {
  accountId: string;
  /** `YYYY-MM`. */
  month: string;
  /** IANA name. */
  timeZone: string;
}

/** Statements as this door shows them, for its own route and for the command. */
@Injectable()
export class StatementReader {
  constructor(
    private readonly accounts: AccountService,
    private readonly statements: StatementService,
  ) {}

  /** @throws AppError `not_found` (`account_not_found`, `statement_not_found`), `internal` (`statement_differs`). */
  async view({ accountId, month, timeZone }: StatementWanted): Promise<StatementView> {
    const account = await this.accounts.read(accountId);
    return statementView(account, await this.statements.read({ account, month, timeZone }));
  }

  async file(wanted: StatementWanted, format: StatementFormat): Promise<StatementFile> {
    return statementFile(await this.view(wanted), format);
  }
}

/** What the command needs. */
@Module({ imports: [AnalyticsModule, AuthModule], providers: [StatementReader], exports: [StatementReader] })
export class StatementReaderModule {}
