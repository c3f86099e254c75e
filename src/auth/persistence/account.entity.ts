import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AccountKind, AccountStatus } from '../domain/account.js';

@Entity('account')
export class AccountEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  kind!: AccountKind;

  @Column('text')
  name!: string;

  @Column('text', { default: 'active' })
  status!: AccountStatus;

  /** What all keys of the account are held to, besides their own policy. */
  @Column('uuid', { name: 'policy_id', nullable: true })
  policyId!: string | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt!: Date;
}

@Entity('account_member')
export class AccountMemberEntity {
  @PrimaryColumn('uuid', { name: 'organization_id' })
  organizationId!: string;

  @PrimaryColumn('uuid', { name: 'member_id' })
  memberId!: string;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;
}
