import type { AccountStatus } from './account.js';
import type { ApiKey, AuthenticatedKey, KeyStatus } from './identity.js';

/** A key with everything that decides whether it passes, as the snapshot holds it. */
export interface KeyEntry {
  key: AuthenticatedKey;
  ownerStatus: AccountStatus;
  billingStatus: AccountStatus;
  /** The owner pays for itself, or is still a member of the organization that pays. */
  ownerMayBill: boolean;
}

/** Why a known key does not pass. */
export type KeyProblem =
  | 'disabled'
  | 'revoked'
  | 'expired'
  | 'rotated_out'
  | 'owner_suspended'
  | 'owner_closed'
  | 'billing_suspended'
  | 'billing_closed'
  | 'owner_not_member';

/**
 * Whether a known key may be used at this moment.
 * @param secretExpiresAtMs end of the grace time of a rotated secret; `null` for the current one.
 * @returns `null` when it passes, else the first reason against it.
 */
export function problemOf(entry: KeyEntry, secretExpiresAtMs: number | null, nowMs: number): KeyProblem | null {
  const status = effectiveStatus(entry.key, nowMs);
  if (status !== 'ACTIVE') return PROBLEM_OF_STATUS[status];
  if (secretExpiresAtMs !== null && secretExpiresAtMs <= nowMs) return 'rotated_out';
  if (entry.ownerStatus !== 'active') return `owner_${entry.ownerStatus}`;
  if (entry.billingStatus !== 'active') return `billing_${entry.billingStatus}`;
  return entry.ownerMayBill ? null : 'owner_not_member';
}

/** The status that a caller meets: an active key past its time is `EXPIRED`, whatever the row says. */
export function effectiveStatus(key: Pick<ApiKey, 'status' | 'expiresAt'>, nowMs: number): KeyStatus {
  if (key.status !== 'ACTIVE' || key.expiresAt === null) return key.status;
  return key.expiresAt.getTime() <= nowMs ? 'EXPIRED' : 'ACTIVE';
}

const PROBLEM_OF_STATUS = {
  DISABLED: 'disabled',
  EXPIRED: 'expired',
  REVOKED: 'revoked',
} as const satisfies Record<Exclude<KeyStatus, 'ACTIVE'>, KeyProblem>;
