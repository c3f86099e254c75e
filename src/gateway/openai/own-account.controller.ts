import { Controller, Get, Query, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { UsageService } from '../../billing/index.js';
import { ApiKeyAccess } from '../../platform/access/index.js';
import { Clock } from '../../platform/clock/index.js';
import { formatDecimal, type Micros } from '../../platform/money/index.js';
import { Operation } from '../../platform/openapi/index.js';
import { ApiKeyGuard, apiKeyOf } from '../catalog/api-key.guard.js';
import { quotaResets } from '../../policy/index.js';
import { WalletService } from '../../wallet/index.js';
import { LIST_OWN_USAGE, ownUsageView, READ_OWN_BALANCE, readOwnUsageQuery } from './own-account.schema.js';

/** `GET /openai/v1/usage` and `/openai/v1/balance`: a key holder looks after itself, without an operator. */
@Controller('openai/v1')
@ApiKeyAccess()
@UseGuards(ApiKeyGuard)
export class OwnAccountController {
  constructor(
    private readonly usage: UsageService,
    private readonly wallets: WalletService,
    private readonly clock: Clock,
  ) {}

  @Get('usage')
  @Operation(LIST_OWN_USAGE)
  async listUsage(@Req() request: FastifyRequest, @Query() query: unknown): Promise<object> {
    const key = apiKeyOf(request);
    const { limit, cursor, from, to } = readOwnUsageQuery(query);
    const page = await this.usage.list({ apiKeyId: key.id, from, to }, { limit, cursor: cursor ?? null });
    return { object: 'list', data: page.items.map(ownUsageView), next_cursor: page.nextCursor };
  }

  @Get('balance')
  @Operation(READ_OWN_BALANCE)
  async readBalance(@Req() request: FastifyRequest): Promise<object> {
    const key = apiKeyOf(request);
    const balances = await this.wallets.balances(key.billingAccountId);
    const used = await this.wallets.quotaUsed(key.billingAccountId, key.id);
    const resets = quotaResets(this.clock.nowMs());
    const quota = (limitMicros: Micros | null, usedMicros: Micros, resetsAt: Date): object => ({
      limit: limitMicros === null ? null : formatDecimal(limitMicros),
      used: formatDecimal(usedMicros),
      resets_at: resetsAt.toISOString(),
    });
    return {
      object: 'balance',
      wallet: key.billingAccountKind,
      wallets: balances.map(({ tier, availableMicros, frozenMicros }) => ({
        tier,
        available: formatDecimal(availableMicros),
        frozen: formatDecimal(frozenMicros),
      })),
      limits: {
        daily: quota(key.limitDailyMicros, used.dailyMicros, resets.daily),
        weekly: quota(key.limitWeeklyMicros, used.weeklyMicros, resets.weekly),
        requests_per_minute: key.limitRpm,
        concurrency: key.limitConcurrency,
      },
    };
  }
}
