import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { StatementService } from '../../reconciliation/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { Written } from '../http/written.js';
import {
  importStatementSchema,
  statementQuerySchema,
  statementSchema,
  statementView,
  type ImportStatement,
  type StatementQuery,
  type StatementView,
} from './statements.schema.js';

const TAG = 'Providers';

@AdminController('providers/:id/statements')
export class StatementsController {
  constructor(private readonly statements: StatementService) {}

  @Post()
  @AdminOperation({
    summary: 'Import what a provider says that was used, and compare it',
    description: 'A statement replaces what was imported before for its days. Requests must be equal, costs nearly.',
    tag: TAG,
    body: importStatementSchema,
    response: statementSchema,
    write: { action: 'provider.import_statement', transaction: 'own' },
  })
  async import(@Param('id') id: string, @Body() body: ImportStatement): Promise<Written<StatementView>> {
    const imported = await this.statements.import(id, body.csv, { percent: body.tolerance_percent });
    const view = statementView(imported);
    const { data: _data, differences: _differences, ...after } = view;
    return new Written(view, {
      resource: 'provider_statement',
      resourceId: id,
      before: null,
      after: { ...after, lines: imported.lines },
    });
  }

  @Get()
  @AdminOperation({
    summary: 'Compare imported statements with our usage records',
    tag: TAG,
    query: statementQuerySchema,
    response: statementSchema,
  })
  async read(@Param('id') id: string, @Query() query: StatementQuery): Promise<StatementView> {
    const days = { first: query.from, last: query.to };
    return statementView(await this.statements.compare(id, days, { percent: query.tolerance_percent }));
  }
}
