import { Get, Query, StreamableFile } from '@nestjs/common';
import { UsageSummaryService } from '../../analytics/index.js';
import { UsageService } from '../../billing/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { csvLine } from '../http/csv.js';
import { pageOf, pageRequest, pageView, type Page } from '../http/pagination.js';
import {
  summaryQuerySchema,
  summaryRequest,
  summarySchema,
  summaryTable,
  summaryView,
  type SummaryQuery,
} from './summary.schema.js';
import { usageFile } from './usage-export.js';
import {
  usageFilter,
  usageQuerySchema,
  usageSchema,
  usageView,
  type UsageQuery,
  type UsageView,
} from './usage.schema.js';

@AdminController('usage')
export class UsageController {
  constructor(
    private readonly usage: UsageService,
    private readonly summaries: UsageSummaryService,
  ) {}

  @Get()
  @AdminOperation({
    summary: 'List usage records, newest first',
    description: 'One record for every request that froze credits; `pending` until its freeze has ended.',
    tag: 'Usage',
    query: usageQuerySchema,
    response: pageOf(usageSchema),
  })
  async list(@Query() query: UsageQuery): Promise<Page<UsageView> | StreamableFile> {
    if (query.format !== 'json')
      return usageFile(this.usage.pages(usageFilter(query), query.cursor ?? null), query.format);
    return pageView(await this.usage.list(usageFilter(query), pageRequest(query)), usageView);
  }

  @Get('summary')
  @AdminOperation({
    summary: 'Sum usage up by key, account, model, provider, tier, status, day or hour',
    description:
      'Requests whose freeze has ended, by the time at which they were received. Equal to what the records add up to.',
    tag: 'Usage',
    query: summaryQuerySchema,
    response: summarySchema,
  })
  async summary(@Query() query: SummaryQuery): Promise<object> {
    const summary = await this.summaries.summarize(summaryRequest(query));
    if (query.format === 'json') return summaryView(query, summary);
    const { columns, rows } = summaryTable(query, summary);
    const text = [columns, ...rows].map(csvLine).join('');
    return new StreamableFile(Buffer.from(text), {
      type: 'text/csv; charset=utf-8; header=present',
      disposition: 'attachment; filename="usage-summary.csv"',
    });
  }
}
