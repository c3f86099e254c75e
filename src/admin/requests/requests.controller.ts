import { Get, Param, Query } from '@nestjs/common';
import { ExplainService, RequestSearchService } from '../../billing/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { pageOf, pageRequest, pageView, type Page } from '../http/pagination.js';
import {
  explanationSchema,
  foundRequestSchema,
  foundRequestView,
  requestFilter,
  requestQuerySchema,
  type FoundRequestView,
  type RequestQuery,
} from './requests.schema.js';

@AdminController('requests')
export class RequestExplanationsController {
  constructor(
    private readonly explanations: ExplainService,
    private readonly requests: RequestSearchService,
  ) {}

  @Get()
  @AdminOperation({
    summary: 'Search requests, newest first',
    description:
      'Served, refused, failed and running ones. A page may be shorter than `limit` and yet not the last one. Refused requests are kept as far as TRACE_REFUSED_PER_MINUTE and TRACE_UNAUTHENTICATED_PER_MINUTE allow.',
    tag: 'Requests',
    query: requestQuerySchema,
    response: pageOf(foundRequestSchema),
  })
  async list(@Query() query: RequestQuery): Promise<Page<FoundRequestView>> {
    return pageView(await this.requests.search(requestFilter(query), pageRequest(query)), foundRequestView);
  }

  @Get(':request_id')
  @AdminOperation({
    summary: 'Explain a request, stage by stage',
    description: 'By the gateway’s own id or the caller’s; of several with the same caller’s id, the newest.',
    tag: 'Requests',
    response: explanationSchema,
  })
  read(@Param('request_id') requestId: string): Promise<object> {
    return this.explanations.explain(requestId, null);
  }
}
