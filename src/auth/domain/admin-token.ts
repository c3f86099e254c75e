import type { AdminRole } from './identity.js';

export const ADMIN_ROLES = ['owner', 'operator', 'viewer'] as const satisfies readonly AdminRole[];

export const ADMIN_TOKEN_STATUSES = ['active', 'expired', 'revoked'] as const;
export type AdminTokenStatus = (typeof ADMIN_TOKEN_STATUSES)[number];

/** A token as administration shows it; its secret is not part of it and cannot be read back. */
export interface AdminTokenRecord {
  id: string;
  name: string;
  role: AdminRole;
  /** First and last characters, e.g. `ja_AbCd…wxyz`; empty for tokens made before this was kept. */
  display: string;
  expiresAt: Date | null;
  revokedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

/** What a caller with this token meets at a moment. */
export function adminTokenStatus(
  token: Pick<AdminTokenRecord, 'expiresAt' | 'revokedAt'>,
  nowMs: number,
): AdminTokenStatus {
  if (token.revokedAt !== null) return 'revoked';
  return token.expiresAt !== null && token.expiresAt.getTime() <= nowMs ? 'expired' : 'active';
}

/** How sure it is that an owner can act: 2 with one that never ends, 1 with one that has not ended yet, else 0. */
export function ownerAssurance(
  tokens: readonly Pick<AdminTokenRecord, 'role' | 'expiresAt' | 'revokedAt'>[],
  nowMs: number,
): 0 | 1 | 2 {
  const owners = tokens.filter((token) => token.role === 'owner' && adminTokenStatus(token, nowMs) === 'active');
  if (owners.some(({ expiresAt }) => expiresAt === null)) return 2;
  return owners.length > 0 ? 1 : 0;
}
