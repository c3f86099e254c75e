import { z } from 'zod';
import {
  ADMIN_ROLES,
  ADMIN_TOKEN_STATUSES,
  adminTokenStatus,
  type AdminTokenRecord,
  type CreatedAdminToken,
} from '../../auth/index.js';
import { name, patchOf, timeIn, timeOrNull, timeOut, uuid } from '../http/fields.js';
import { pageQuery } from '../http/pagination.js';

const role = z
  .enum(ADMIN_ROLES)
  .describe('`viewer` reads, `operator` writes too, `owner` also administers admin tokens.');
const expiresAt = timeIn.nullable().describe('`null`: never.');

export const createAdminTokenSchema = z.strictObject({ name, role, expires_at: expiresAt.optional() });
export type CreateAdminToken = z.output<typeof createAdminTokenSchema>;

export const patchAdminTokenSchema = patchOf({ name, role, expires_at: expiresAt });
export type PatchAdminToken = z.output<typeof patchAdminTokenSchema>;

export const adminTokenQuerySchema = z.strictObject({ ...pageQuery, role: z.enum(ADMIN_ROLES).optional() });
export type AdminTokenQuery = z.output<typeof adminTokenQuerySchema>;

export const adminTokenSchema = z
  .object({
    id: uuid,
    name: z.string(),
    role,
    status: z.enum(ADMIN_TOKEN_STATUSES),
    display: z.string().describe('First and last characters of the token.'),
    expires_at: timeOut.nullable(),
    revoked_at: timeOut.nullable(),
    created_at: timeOut,
    updated_at: timeOut,
  })
  .meta({ id: 'AdminToken' });
export type AdminTokenView = z.output<typeof adminTokenSchema>;

export const createdAdminTokenSchema = adminTokenSchema
  .extend({
    token: z.string().nullable().describe('Shown this once; `null` when the answer is a repetition.'),
    replayed: z.literal(true).optional(),
  })
  .meta({ id: 'CreatedAdminToken' });
export type CreatedAdminTokenView = z.output<typeof createdAdminTokenSchema>;

export function adminTokenView(token: AdminTokenRecord, nowMs: number): AdminTokenView {
  return {
    id: token.id,
    name: token.name,
    role: token.role,
    status: adminTokenStatus(token, nowMs),
    display: token.display,
    expires_at: timeOrNull(token.expiresAt),
    revoked_at: timeOrNull(token.revokedAt),
    created_at: token.createdAt.toISOString(),
    updated_at: token.updatedAt.toISOString(),
  };
}

/** The only view that shows a token. */
export function createdAdminTokenView({ record, token }: CreatedAdminToken, nowMs: number): CreatedAdminTokenView {
  const { id, ...rest } = adminTokenView(record, nowMs);
  return { id, token, ...rest };
}

/** What a repeated creation is told; the token is never stored. */
export function withoutToken(body: unknown): unknown {
  return { ...(body as CreatedAdminTokenView), token: null, replayed: true };
}
