import { Get, Param, Query, Req, Res, StreamableFile } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { StatementService } from '../../analytics/index.js';
import { AccountService } from '../../auth/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import type { AdminRequest } from '../http/admin-request.js';
import { ResourceTurns } from '../http/resource-turns.js';
import { pageOf, pageRequest, pageView, type Page } from '../http/pagination.js';
import { acceptedFormat, statementFile } from './statement-answer.js';
import { StatementReader } from './statement-reader.js';
import { STATEMENT_CONTENT_SECURITY_POLICY } from './statement-style.js';
import {
  statementListQuerySchema,
  statementMonthSchema,
  statementMonthView,
  statementQuerySchema,
  statementSchema,
  type StatementListQuery,
  type StatementMonthView,
  type StatementQuery,
  type StatementView,
} from './statement.schema.js';

const TAG = 'Statements';

@AdminController('accounts/:id/statements')
export class AccountStatementsController {
  constructor(
    private readonly accounts: AccountService,
    private readonly statements: StatementService,
    private readonly reader: StatementReader,
    private readonly turns: ResourceTurns,
  ) {}

  @Get()
  @AdminOperation({
    summary: 'List the months that there are statements of, newest first',
    tag: TAG,
    query: statementListQuerySchema,
    response: pageOf(statementMonthSchema),
  })
  async list(@Param('id') id: string, @Query() query: StatementListQuery): Promise<Page<StatementMonthView>> {
    const account = await this.accounts.read(id);
    return pageView(await this.statements.months(account, query.time_zone, pageRequest(query)), statementMonthView);
  }

  @Get(':month')
  @AdminOperation({
    summary: 'Read the statement of one month, as JSON, CSV or a page to print',
    description:
      'From the ledger: opening balance, top-ups, adjustments, charges and corrections by model and by key, closing balance of ' +
      'each wallet. The balance is what is available and what is frozen together. The current month is provisional.',
    tag: TAG,
    query: statementQuerySchema,
    response: statementSchema,
    otherTypes: ['text/csv', 'text/html'],
    answerHeaders: { Vary: '`Accept`: it chooses the format unless the query does.' },
  })
  async read(
    @Req() request: AdminRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Param('id') id: string,
    @Param('month') month: string,
    @Query() query: StatementQuery,
  ): Promise<StatementView | StreamableFile> {
    const wanted = { accountId: id, month, timeZone: query.time_zone };
    // One at a time: a month of millions of requests takes seconds, and a burst of them would hold every connection of the pool.
    const view = await this.turns.take('statements', () => this.reader.view(wanted));
    const format = query.format ?? acceptedFormat(request.headers.accept);
    void reply.header('vary', 'Accept').header('x-content-type-options', 'nosniff');
    if (format === 'json') return view;
    if (format === 'html') void reply.header('content-security-policy', STATEMENT_CONTENT_SECURITY_POLICY);
    const { text, type, name } = statementFile(view, format);
    const disposition = `${format === 'html' ? 'inline' : 'attachment'}; filename="${name}"`;
    return new StreamableFile(Buffer.from(text), { type, disposition });
  }
}
