import type { Micros } from '../../platform/money/index.js';
import type { Tier } from '../../wallet/index.js';

export type KeyStatus = 'ACTIVE' | 'DISABLED' | 'EXPIRED' | 'REVOKED';
export type KeySource = 'bearer' | 'x-api-key' | 'none';

/** An API key as the pipeline sees it; never its secret. */
export interface ApiKey {
  id: string;
  name: string;
  ownerAccountId: string;
  billingAccountId: string;
  status: KeyStatus;
  tier: Tier | null;
  fixedModel: string | null;
  policyId: string | null;
  limitDailyMicros: Micros | null;
  limitWeeklyMicros: Micros | null;
  limitRpm: number | null;
  limitConcurrency: number | null;
  expiresAt: Date | null;
}

export type AdminRole = 'owner' | 'operator' | 'viewer';

/** Who is calling an administration route. */
export interface AdminIdentity {
  id: string;
  name: string;
  role: AdminRole;
}
