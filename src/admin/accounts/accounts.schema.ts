import { z } from 'zod';
import { ACCOUNT_KINDS, ACCOUNT_STATUSES, type Account, type AccountMember } from '../../auth/index.js';
import { name, patchOf, timeOut, uuid } from '../http/fields.js';
import { pageQuery } from '../http/pagination.js';

const kind = z.enum(ACCOUNT_KINDS);
const status = z.enum(ACCOUNT_STATUSES);

const policyId = uuid
  .nullable()
  .describe('Holds every key that the account owns or pays for, besides the policy of the key itself.');

export const createAccountSchema = z.strictObject({ kind, name, policy_id: policyId.optional() });
export type CreateAccount = z.output<typeof createAccountSchema>;

export const patchAccountSchema = patchOf({ name, status, policy_id: policyId });
export type PatchAccount = z.output<typeof patchAccountSchema>;

export const accountQuerySchema = z.strictObject({ ...pageQuery, kind: kind.optional(), status: status.optional() });
export type AccountQuery = z.output<typeof accountQuerySchema>;

export const memberQuerySchema = z.strictObject(pageQuery);
export type MemberQuery = z.output<typeof memberQuerySchema>;

export const addMemberSchema = z.strictObject({ account_id: uuid });
export type AddMember = z.output<typeof addMemberSchema>;

export const accountSchema = z
  .object({
    id: uuid,
    kind,
    name: z.string(),
    status,
    policy_id: uuid.nullable(),
    created_at: timeOut,
    updated_at: timeOut,
  })
  .meta({ id: 'Account' });
export type AccountView = z.output<typeof accountSchema>;

export const memberSchema = z
  .object({ account_id: uuid, organization_id: uuid, created_at: timeOut })
  .meta({ id: 'AccountMember' });
export type MemberView = z.output<typeof memberSchema>;

export function accountView(account: Account): AccountView {
  return {
    id: account.id,
    kind: account.kind,
    name: account.name,
    status: account.status,
    policy_id: account.policyId,
    created_at: account.createdAt.toISOString(),
    updated_at: account.updatedAt.toISOString(),
  };
}

export function memberView(member: AccountMember): MemberView {
  return {
    account_id: member.memberId,
    organization_id: member.organizationId,
    created_at: member.createdAt.toISOString(),
  };
}
