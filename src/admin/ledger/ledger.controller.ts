import { Get, Post, Query } from '@nestjs/common';
import {
  ReconciliationService,
  reportView,
  type ReportView,
  type FullVerifyOptions,
} from '../../reconciliation/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { pageOf, pageRequest, pageView, type Page } from '../http/pagination.js';
import { Written } from '../http/written.js';
import { LedgerVerification } from './ledger-verification.js';
import {
  runQuerySchema,
  runSchema,
  runView,
  verifyQuerySchema,
  verifyReportSchema,
  type RunQuery,
  type RunView,
  type VerifyQuery,
} from './ledger.schema.js';

const TAG = 'Ledger';

@AdminController('ledger')
export class LedgerController {
  constructor(
    private readonly verification: LedgerVerification,
    private readonly reconciliation: ReconciliationService,
  ) {}

  @Get('verify')
  @AdminOperation({
    summary: 'Recompute every wallet from its rows',
    description:
      'Compares every figure with its rows, and the rows with their seals; `seals` says how far. Answers at its end, which may ' +
      'take minutes. A second one meanwhile in the same process is a 409.',
    tag: TAG,
    query: verifyQuerySchema,
    response: verifyReportSchema,
  })
  async read(@Query() query: VerifyQuery): Promise<ReportView> {
    return reportView(await this.verification.run(optionsOf(query)));
  }

  @Post('verify')
  @AdminOperation({
    summary: 'Recompute every wallet from its rows, for the record',
    description: 'The same as `GET`; who asked and what was found is kept in the audit log.',
    tag: TAG,
    query: verifyQuerySchema,
    response: verifyReportSchema,
    write: { action: 'ledger.verify', transaction: 'own' },
  })
  async record(@Query() query: VerifyQuery): Promise<Written<ReportView>> {
    const view = reportView(await this.verification.run(optionsOf(query)));
    const { differences: _, ...after } = view;
    return new Written(view, { resource: 'ledger', resourceId: query.account_id ?? 'all', before: null, after });
  }

  @Get('reconciliations')
  @AdminOperation({
    summary: 'List what scheduled comparisons of the books found, newest first',
    tag: TAG,
    query: runQuerySchema,
    response: pageOf(runSchema),
  })
  async reconciliations(@Query() query: RunQuery): Promise<Page<RunView>> {
    return pageView(await this.reconciliation.list(pageRequest(query)), runView);
  }
}

function optionsOf(query: VerifyQuery): FullVerifyOptions {
  return { accountId: query.account_id, keptMax: query.limit, seals: query.seals };
}
