import type { AuthenticatedKey } from '../../auth/index.js';
import type { KeyLimits } from '../../wallet/index.js';

/** Limits of a key that a freeze enforces; an extension counts as no further request, so the rates are left out. */
export function keyLimitsOf(key: AuthenticatedKey, withRates: boolean): KeyLimits {
  return {
    dailyMicros: key.limitDailyMicros,
    weeklyMicros: key.limitWeeklyMicros,
    requestsPerMinute: withRates ? key.limitRpm : null,
    concurrency: withRates ? key.limitConcurrency : null,
  };
}
