import { Get, Param, Post, Query } from '@nestjs/common';
import { FreezeReleaseService } from '../../billing/index.js';
import { WalletService } from '../../wallet/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { pageOf, pageRequest, pageView, type Page } from '../http/pagination.js';
import { changed, type Written } from '../http/written.js';
import { freezeQuerySchema, freezeSchema, freezeView, type FreezeQuery, type FreezeView } from './freezes.schema.js';

@AdminController('freezes')
export class FreezesController {
  constructor(
    private readonly wallets: WalletService,
    private readonly releases: FreezeReleaseService,
  ) {}

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

  @Post(':freeze_id/release')
  @AdminOperation({
    summary: 'Give reserved credits back',
    description:
      'For a request that hangs. Nothing is charged; if it ends after all, its price is a shortfall. A freeze whose outcome is captured is a 409: it will be settled.',
    tag: 'Freezes',
    response: freezeSchema,
    write: { action: 'freeze.release' },
  })
  async release(@Param('freeze_id') id: string): Promise<Written<FreezeView>> {
    const { before, after } = await this.releases.release(id);
    return changed('freeze', freezeView(before), freezeView(after));
  }
}
