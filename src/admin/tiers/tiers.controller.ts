import { Body, Get, Param, Post } from '@nestjs/common';
import { TierRateService } from '../../router/index.js';
import type { Tier } from '../../wallet/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { Written } from '../http/written.js';
import {
  newTierRateSchema,
  tierRateListSchema,
  tierRateSchema,
  tierRateView,
  type NewTierRate,
  type TierRateListView,
  type TierRateView,
} from './tiers.schema.js';

const TAG = 'Tiers';

@AdminController('tiers')
export class TiersController {
  constructor(private readonly rates: TierRateService) {}

  @Get()
  @AdminOperation({ summary: 'What a credit of each tier costs now', tag: TAG, response: tierRateListSchema })
  async list(): Promise<TierRateListView> {
    return { data: (await this.rates.list()).map(tierRateView), next_cursor: null };
  }

  @Get(':tier/versions')
  @AdminOperation({ summary: 'Every version of a tier, newest first', tag: TAG, response: tierRateListSchema })
  async versions(@Param('tier') tier: Tier): Promise<TierRateListView> {
    const versions = (await this.rates.history()).filter((rate) => rate.tier === tier);
    return { data: versions.map(tierRateView).reverse(), next_cursor: null };
  }

  @Post(':tier/versions')
  @AdminOperation({
    summary: 'Set what a credit of a tier costs',
    description: 'Makes the next version; running requests keep theirs. Absent texts stay as they were.',
    tag: TAG,
    status: 201,
    body: newTierRateSchema,
    response: tierRateSchema,
    write: { action: 'tier.new_version' },
  })
  async addVersion(@Param('tier') tier: Tier, @Body() body: NewTierRate): Promise<Written<TierRateView>> {
    const { usd_per_credit: usdPerCredit, sort_order: sortOrder, name, description } = body;
    const before = (await this.rates.list()).find((rate) => rate.tier === tier);
    const after = tierRateView(await this.rates.addVersion(tier, { usdPerCredit, name, description, sortOrder }));
    const shownBefore = before === undefined ? null : tierRateView(before);
    return new Written(after, { resource: 'tier_rate', resourceId: tier, before: shownBefore, after });
  }
}
