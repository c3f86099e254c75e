import { Injectable } from '@nestjs/common';
import { Clock } from '../platform/clock/index.js';
import { isUuid, newId } from '../platform/ids/index.js';
import { WalletService } from '../wallet/index.js';
import { accountHasBalance, accountNotFound, invalidField, memberNotFound, unknownReference } from './auth.errors.js';
import type { Account, AccountFilter, AccountKind, AccountMember, AccountStatus } from './domain/account.js';
import { pageOf, type Page, type PageRequest } from './domain/page.js';
import { KeyEvents } from './key-events.js';
import { checkedName } from './key-input.js';
import { AccountRepository } from './persistence/account.repository.js';
import { violatedForeignKey } from './persistence/key.repository.js';

/** A transaction as the repository hands it out. */
type Transaction = Parameters<Parameters<AccountRepository['inTransaction']>[0]>[0];

export interface AccountPatch {
  name?: string | undefined;
  status?: AccountStatus | undefined;
  /** `null` lifts the restriction. */
  policyId?: string | null | undefined;
}

/** Accounts and the members of organizations. A write is in force here after `ChangeFeed.catchUp()`. */
@Injectable()
export class AccountService {
  constructor(
    private readonly accounts: AccountRepository,
    private readonly wallets: WalletService,
    private readonly clock: Clock,
    private readonly keyEvents: KeyEvents,
  ) {}

  /** Makes an account with its three empty wallets. @throws AppError `unprocessable` naming the field. */
  async create(input: { kind: AccountKind; name: string; policyId?: string | null | undefined }): Promise<Account> {
    const now = new Date(this.clock.nowMs());
    const account: Account = {
      id: newId(now.getTime()),
      kind: input.kind,
      name: checkedName(input.name),
      status: 'active',
      policyId: input.policyId ?? null,
      createdAt: now,
      updatedAt: now,
    };
    await this.write(async (manager) => {
      await this.accounts.insert(manager, account);
      await this.wallets.ensureWallets(account.id, manager);
    });
    return account;
  }

  async find(id: string): Promise<Account | null> {
    return isUuid(id) ? this.accounts.find(id) : null;
  }

  /** @throws AppError `not_found`. */
  async read(id: string): Promise<Account> {
    const account = await this.find(id);
    if (account === null) throw accountNotFound();
    return account;
  }

  /** Newest first. */
  async list(filter: AccountFilter, page: PageRequest): Promise<Page<Account>> {
    if (page.cursor !== null && !isUuid(page.cursor)) return { items: [], nextCursor: null };
    return pageOf(await this.accounts.list(filter, page), page.limit);
  }

  /**
   * Renames, suspends, reactivates or closes an account.
   * @throws AppError `not_found`; `conflict` when an account with credits is to be closed.
   */
  async patch(id: string, patch: AccountPatch): Promise<Account> {
    if (!isUuid(id)) throw accountNotFound();
    const changes: Partial<Account> = { updatedAt: new Date(this.clock.nowMs()) };
    if (patch.name !== undefined) changes.name = checkedName(patch.name);
    if (patch.status !== undefined) changes.status = patch.status;
    if (patch.policyId !== undefined) changes.policyId = patch.policyId;
    return this.write(async (manager) => {
      const account = await this.accounts.lock(manager, id);
      if (account === null) throw accountNotFound();
      // The lock keeps top-ups out until the account is closed: they look at its status first.
      if (patch.status === 'closed' && account.status !== 'closed') await this.requireEmptyWallets(id);
      await this.accounts.update(manager, id, changes);
      return { ...account, ...changes };
    });
  }

  /**
   * Adds a personal account to an organization; adding it twice changes nothing.
   * @throws AppError `not_found` when the organization is unknown; `unprocessable` when the kinds do not fit.
   */
  async addMember(organizationId: string, memberId: string): Promise<AccountMember> {
    const organization = await this.readOrganization(organizationId);
    const member = await this.find(memberId);
    if (member === null) throw unknownReference('account_id', 'account');
    if (member.kind !== 'personal') throw invalidField('account_id', 'only a personal account can be a member');
    const membership = {
      organizationId: organization.id,
      memberId: member.id,
      createdAt: new Date(this.clock.nowMs()),
    };
    await this.accounts.inTransaction((manager) => this.accounts.addMember(manager, membership));
    return membership;
  }

  /** Members of an organization, newest account first. @throws AppError `not_found`, `unprocessable`. */
  async members(organizationId: string, page: PageRequest): Promise<Page<AccountMember>> {
    await this.readOrganization(organizationId);
    if (page.cursor !== null && !isUuid(page.cursor)) return { items: [], nextCursor: null };
    const rows = await this.accounts.members(organizationId, page);
    const { items, nextCursor } = pageOf(
      rows.map((row) => ({ id: row.memberId, row })),
      page.limit,
    );
    return { items: items.map(({ row }) => row), nextCursor };
  }

  /** Keys of this member that the organization pays for stop working. @throws AppError `not_found`. */
  async removeMember(organizationId: string, memberId: string): Promise<void> {
    await this.readOrganization(organizationId);
    if (!isUuid(memberId)) throw memberNotFound();
    await this.accounts.inTransaction(async (manager) => {
      if (!(await this.accounts.removeMember(manager, organizationId, memberId))) throw memberNotFound();
      await this.keyEvents.memberRemoved(organizationId, memberId, manager);
    });
  }

  private async write<T>(work: (manager: Transaction) => Promise<T>): Promise<T> {
    try {
      return await this.accounts.inTransaction(work);
    } catch (error) {
      if (violatedForeignKey(error) === 'account_policy_id_fkey') throw unknownReference('policy_id', 'policy');
      throw error;
    }
  }

  private async readOrganization(id: string): Promise<Account> {
    const account = await this.read(id);
    if (account.kind !== 'organization') throw invalidField('id', 'only an organization has members');
    return account;
  }

  private async requireEmptyWallets(id: string): Promise<void> {
    const balances = await this.wallets.balances(id);
    if (balances.some(({ availableMicros, frozenMicros }) => availableMicros + frozenMicros > 0n))
      throw accountHasBalance();
  }
}
