import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Account, AccountFilter, AccountMember } from '../domain/account.js';
import type { PageRequest } from '../domain/page.js';
import { AccountEntity, AccountMemberEntity } from './account.entity.js';

/** Accounts and who belongs to which organization. */
@Injectable()
export class AccountRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Runs `work` in one transaction; the other methods join it when they are given its manager. */
  async inTransaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.dataSource.transaction(work);
  }

  async insert(manager: EntityManager, account: Account): Promise<void> {
    await manager.insert(AccountEntity, { ...account });
  }

  async update(manager: EntityManager, id: string, changes: Partial<Account>): Promise<void> {
    await manager.update(AccountEntity, { id }, changes);
  }

  async find(id: string): Promise<Account | null> {
    return this.dataSource.manager.findOneBy(AccountEntity, { id });
  }

  /** The account, locked until the transaction ends; `null` when there is none. */
  async lock(manager: EntityManager, id: string): Promise<Account | null> {
    return manager.findOne(AccountEntity, { where: { id }, lock: { mode: 'pessimistic_write' } });
  }

  /** The account, kept from changing (not from being read or referred to) until the transaction ends. */
  async lockShared(manager: EntityManager, id: string): Promise<Account | null> {
    return manager.findOne(AccountEntity, { where: { id }, lock: { mode: 'pessimistic_read' } });
  }

  /** Newest first; one more than `limit` when there is a next page. */
  async list(filter: AccountFilter, page: PageRequest): Promise<Account[]> {
    const query = this.dataSource
      .createQueryBuilder(AccountEntity, 'account')
      .orderBy('account.id', 'DESC')
      .limit(page.limit + 1);
    if (page.cursor !== null) query.andWhere('account.id < :cursor', { cursor: page.cursor });
    if (filter.kind !== undefined) query.andWhere('account.kind = :kind', { kind: filter.kind });
    if (filter.status !== undefined) query.andWhere('account.status = :status', { status: filter.status });
    return query.getMany();
  }

  /** Adding a member twice changes nothing. */
  async addMember(manager: EntityManager, member: AccountMember): Promise<void> {
    await manager.createQueryBuilder().insert().into(AccountMemberEntity).values(member).orIgnore().execute();
  }

  /** @returns whether it was a member. */
  async removeMember(manager: EntityManager, organizationId: string, memberId: string): Promise<boolean> {
    const result = await manager.delete(AccountMemberEntity, { organizationId, memberId });
    return result.affected === 1;
  }

  async isMember(manager: EntityManager, organizationId: string, memberId: string): Promise<boolean> {
    return manager.existsBy(AccountMemberEntity, { organizationId, memberId });
  }

  /** By member id, newest first; one more than `limit` when there is a next page. */
  async members(organizationId: string, page: PageRequest): Promise<AccountMember[]> {
    const query = this.dataSource
      .createQueryBuilder(AccountMemberEntity, 'member')
      .where('member.organizationId = :organizationId', { organizationId })
      .orderBy('member.memberId', 'DESC')
      .limit(page.limit + 1);
    if (page.cursor !== null) query.andWhere('member.memberId < :cursor', { cursor: page.cursor });
    return query.getMany();
  }
}
