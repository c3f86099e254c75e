import { Injectable } from '@nestjs/common';
import { AccountService, KeyService, type AccountKind } from '../../auth/index.js';
import { micros } from '../../platform/money/index.js';
import { TIERS, WalletService } from '../../wallet/index.js';
import { PoolSeed } from './pool-seed.js';
import { SANDBOX_ADAPTER, SANDBOX_BASE_URL, SANDBOX_POOL, SANDBOX_PROVIDER } from './sandbox-pool.js';

/** What the demo data leaves for later starts. */
export interface DemoNote {
  accountId: string;
  organizationId: string;
}

export interface MadeDemo extends DemoNote {
  /** Plain text, the only time. */
  apiKey: string;
}

const PERSON = 'Demo person';
const ORGANIZATION = 'Demo organization';
const KEY_NAME = 'demo key';
const TOP_UP_REFERENCE = 'demo credits';
/** About ten dollars in each tier. */
const CREDITS = { economy: 20_000, standard: 10_000, premium: 4_000 } as const;
const LIST_MAX = 100;

/**
 * Demo data: the sandbox provider with its models, a person and an organization with credits, and a key. Each step finds what
 * an interrupted earlier run has made, so running it again makes nothing twice.
 */
@Injectable()
export class DemoSeed {
  constructor(
    private readonly accounts: AccountService,
    private readonly keys: KeyService,
    private readonly wallets: WalletService,
    private readonly pool: PoolSeed,
  ) {}

  async make(): Promise<MadeDemo> {
    const sandbox = { name: SANDBOX_PROVIDER, adapter: SANDBOX_ADAPTER, baseUrl: SANDBOX_BASE_URL };
    await this.pool.ensure(sandbox, SANDBOX_POOL);
    const accountId = await this.account('personal', PERSON);
    const organizationId = await this.account('organization', ORGANIZATION);
    await this.accounts.addMember(organizationId, accountId);
    await this.topUp(accountId);
    await this.topUp(organizationId);
    return { accountId, organizationId, apiKey: await this.key(accountId) };
  }

  private async account(kind: AccountKind, name: string): Promise<string> {
    const { items } = await this.accounts.list({ kind }, { limit: LIST_MAX, cursor: null });
    const found = items.find((account) => account.name === name);
    return (found ?? (await this.accounts.create({ kind, name }))).id;
  }

  private async topUp(accountId: string): Promise<void> {
    for (const tier of TIERS) {
      await this.wallets.topUp({
        accountId,
        tier,
        amountMicros: micros(BigInt(CREDITS[tier]) * 1_000_000n),
        idempotencyKey: `${TOP_UP_REFERENCE} ${tier}`,
        note: TOP_UP_REFERENCE,
      });
    }
  }

  /** A key of an interrupted run was never shown to anybody: it is revoked. */
  private async key(ownerAccountId: string): Promise<string> {
    const { items } = await this.keys.list({ ownerAccountId }, { limit: LIST_MAX, cursor: null });
    for (const stale of items.filter(({ name }) => name === KEY_NAME)) await this.keys.revoke(stale.id);
    return (await this.keys.create({ name: KEY_NAME, ownerAccountId })).secret;
  }
}
