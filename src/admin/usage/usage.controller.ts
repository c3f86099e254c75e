import { Get, Query } from '@nestjs/common';
import { UsageService } from '../../billing/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { pageOf, pageRequest, pageView, type Page } from '../http/pagination.js';
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
  constructor(private readonly usage: UsageService) {}

  @Get()
  @AdminOperation({
    summary: 'List usage records, newest first',
    description: 'One record for every request that froze credits; `pending` until its freeze has ended.',
    tag: 'Usage',
    query: usageQuerySchema,
    response: pageOf(usageSchema),
  })
  async list(@Query() query: UsageQuery): Promise<Page<UsageView>> {
    return pageView(await this.usage.list(usageFilter(query), pageRequest(query)), usageView);
  }
}
