import { Get, Param } from '@nestjs/common';
import { ExplainService } from '../../billing/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { explanationSchema } from './requests.schema.js';

@AdminController('requests')
export class RequestExplanationsController {
  constructor(private readonly explanations: ExplainService) {}

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
