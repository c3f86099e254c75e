import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { ApiKey } from '../auth/index.js';
import { Clock } from '../platform/clock/index.js';
import { formatDecimal, type Micros } from '../platform/money/index.js';
import { WalletService } from '../wallet/index.js';
import { dayOf, nextDay, nextWeek } from './domain/quota-window.js';
import { quotaUsedUp } from './policy.errors.js';

interface QuotaUse {
  dailyMicros: Micros;
  weeklyMicros: Micros;
}

interface QuotaHint extends QuotaUse {
  day: number;
}

const HINTS_MAX = 10_000;
const HINT_TTL_MS = 1_000;

/**
 * Refuses early when a quota of a key is used up. What was read a moment ago may let a request pass, because the freeze
 * decides anyway; a refusal always reads the rows.
 */
@Injectable()
export class QuotaCheck {
  private readonly hints = new LRUCache<string, QuotaHint>({ max: HINTS_MAX, ttl: HINT_TTL_MS });

  constructor(
    private readonly wallets: WalletService,
    private readonly clock: Clock,
  ) {}

  /** @throws AppError `insufficient_quota`, `unavailable` when the rows cannot be read. */
  async check(key: ApiKey): Promise<void> {
    if (key.limitDailyMicros === null && key.limitWeeklyMicros === null) return;
    const nowMs = this.clock.nowMs();
    const hint = this.hints.get(key.id);
    if (hint?.day === dayOf(nowMs) && usedUpWindow(key, hint) === null) return;
    const used = await this.wallets.quotaUsed(key.billingAccountId, key.id);
    this.hints.set(key.id, { ...used, day: dayOf(nowMs) });
    refuseWhenUsedUp(key, used, nowMs);
  }
}

function refuseWhenUsedUp(key: ApiKey, used: QuotaUse, nowMs: number): void {
  const window = usedUpWindow(key, used);
  if (window === null) return;
  throw quotaUsedUp(window, window === 'daily' ? nextDay(nowMs) : nextWeek(nowMs), {
    precheck: `${window} quota used up`,
    daily_used: formatDecimal(used.dailyMicros),
    weekly_used: formatDecimal(used.weeklyMicros),
    limit_daily: shownLimit(key.limitDailyMicros),
    limit_weekly: shownLimit(key.limitWeeklyMicros),
  });
}

/** `null` does not restrict, 0 allows nothing. */
function usedUpWindow(key: ApiKey, used: QuotaUse): 'daily' | 'weekly' | null {
  if (key.limitDailyMicros !== null && used.dailyMicros >= key.limitDailyMicros) return 'daily';
  if (key.limitWeeklyMicros !== null && used.weeklyMicros >= key.limitWeeklyMicros) return 'weekly';
  return null;
}

function shownLimit(limitMicros: Micros | null): string | null {
  return limitMicros === null ? null : formatDecimal(limitMicros);
}
