import type { Micros } from '../../platform/money/index.js';
import type { Tier } from '../../wallet/index.js';
import type { AccountKind } from './account.js';

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

/** A key that has passed authentication. */
export interface AuthenticatedKey extends ApiKey {
  /** Kind of the account that pays. */
  billingAccountKind: AccountKind;
  /** Policies of the owner and of the account that pays; they hold besides the key's own. */
  accountPolicyIds: readonly string[];
}

export type AdminRole = 'owner' | 'operator' | 'viewer';

/** Who is calling an administration route. */
export interface AdminIdentity {
  id: string;
  name: string;
  role: AdminRole;
}
