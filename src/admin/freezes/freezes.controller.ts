import { Get, Query } from '@nestjs/common';
import { WalletService } from '../../wallet/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { pageOf, pageRequest, pageView, type Page } from '../http/pagination.js';
import { freezeQuerySchema, freezeSchema, freezeView, type FreezeQuery, type FreezeView } from './freezes.schema.js';

@AdminController('freezes')
export class FreezesController {
  constructor(private readonly wallets: WalletService) {}

  @Get()
  @AdminOperation({
    summary: 'List reserved credits by state and age, newest first',
    tag: 'Freezes',
    query: freezeQuerySchema,
    response: pageOf(freezeSchema),
  })
  async list(@Query() query: FreezeQuery): Promise<Page<FreezeView>> {
    const { state: states, account_id: accountId, api_key_id: apiKeyId, tier, created_before: createdBefore } = query;
    const filter = { states, accountId, apiKeyId, tier, createdBefore };
    return pageView(await this.wallets.listFreezes(filter, pageRequest(query)), freezeView);
  }
}
