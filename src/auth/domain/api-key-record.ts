import type { Micros } from '../../platform/money/index.js';
import type { Tier } from '../../wallet/index.js';
import type { ApiKey, KeyStatus } from './identity.js';

/** A key as administration shows it; its secret is not part of it and cannot be read back. */
export interface ApiKeyRecord extends ApiKey {
  /** First and last characters of the secret, e.g. `jt_AbCd…wxyz`. */
  display: string;
  /** Written every few seconds, not with every request. */
  lastUsedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

/** What may be limited or bound on a key; `null` does not restrict. */
export interface KeySettings {
  tier: Tier | null;
  fixedModel: string | null;
  policyId: string | null;
  limitDailyMicros: Micros | null;
  limitWeeklyMicros: Micros | null;
  limitRpm: number | null;
  limitConcurrency: number | null;
  expiresAt: Date | null;
}

/** Absent and `undefined` settings do not restrict. */
export type CreateKeyInput = {
  name: string;
  ownerAccountId: string;
  /** The owner's own account when absent. */
  billingAccountId?: string | null | undefined;
} & { [Name in keyof KeySettings]?: KeySettings[Name] | undefined };

/** Absent and `undefined` fields stay as they are. Owner and billing account never change. */
export type KeyPatch = {
  name?: string | undefined;
  status?: 'ACTIVE' | 'DISABLED' | undefined;
} & { [Name in keyof KeySettings]?: KeySettings[Name] | undefined };

export interface KeyFilter {
  ownerAccountId?: string | undefined;
  billingAccountId?: string | undefined;
  /** As shown: an active key past its time counts as `EXPIRED`. */
  status?: KeyStatus | undefined;
}

export interface CreatedKey {
  record: ApiKeyRecord;
  /** The only time that it exists in the clear. */
  secret: string;
}
