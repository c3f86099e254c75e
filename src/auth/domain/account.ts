export const ACCOUNT_KINDS = ['personal', 'organization'] as const;
export type AccountKind = (typeof ACCOUNT_KINDS)[number];

export const ACCOUNT_STATUSES = ['active', 'suspended', 'closed'] as const;
/** A suspended account is refused at the door; a closed one as well, and holds no credits. */
export type AccountStatus = (typeof ACCOUNT_STATUSES)[number];

/** Who owns keys and pays: a person, or an organization that persons belong to. */
export interface Account {
  id: string;
  kind: AccountKind;
  name: string;
  status: AccountStatus;
  /** Holds all keys that the account owns or pays for, besides their own policies; `null` does not restrict. */
  policyId: string | null;
  createdAt: Date;
  updatedAt: Date;
}

/** A personal account that belongs to an organization. */
export interface AccountMember {
  organizationId: string;
  memberId: string;
  createdAt: Date;
}

export interface AccountFilter {
  kind?: AccountKind | undefined;
  status?: AccountStatus | undefined;
}
