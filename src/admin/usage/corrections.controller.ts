import { Body, Get, Param, Post, Req } from '@nestjs/common';
import { CorrectionService } from '../../billing/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { adminOf, type AdminRequest } from '../http/admin-request.js';
import { requiredIdempotencyKey } from '../http/idempotency-header.js';
import { Written } from '../http/written.js';
import {
  correctedSchema,
  correctedView,
  correctionFields,
  correctionListSchema,
  correctionView,
  correctSchema,
  type Correct,
  type CorrectedView,
  type CorrectionListView,
} from './corrections.schema.js';

const TAG = 'Usage';
const RESOURCE = 'usage';

@AdminController('usage/:request_id/corrections')
export class CorrectionsController {
  constructor(private readonly corrections: CorrectionService) {}

  @Post()
  @AdminOperation({
    summary: 'Correct a settled request',
    description:
      'Tokens, price version or both; the amounts are calculated. The ledger gets a reversal of the charge and a new charge, the quota window follows, and the record keeps what was there before. An `Idempotency-Key` counts once for the account, for ever.',
    tag: TAG,
    status: 201,
    body: correctSchema,
    response: correctedSchema,
    write: { action: 'usage.correct', idempotencyKey: 'required' },
  })
  async correct(
    @Req() request: AdminRequest,
    @Param('request_id') requestId: string,
    @Body() body: Correct,
  ): Promise<Written<CorrectedView>> {
    const idempotencyKey = requiredIdempotencyKey(request);
    const actor = adminOf(request).name;
    const answer = await this.corrections.correct({ ...correctionFields(body), requestId, actor, idempotencyKey });
    const view = correctedView(answer);
    const { before, after, reason } = view.correction;
    const change = { resource: RESOURCE, resourceId: requestId, before, after: { ...after, reason } };
    return new Written(view, change, answer.replayed);
  }

  @Get()
  @AdminOperation({
    summary: 'List the corrections of a request, first to last',
    tag: TAG,
    response: correctionListSchema,
  })
  async list(@Param('request_id') requestId: string): Promise<CorrectionListView> {
    return { data: (await this.corrections.list(requestId)).map(correctionView), next_cursor: null };
  }
}
