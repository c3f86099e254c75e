import { Body, Get, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { AccountService } from '../../auth/index.js';
import { LowBalanceService, WalletService, type Tier } from '../../wallet/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import type { AdminRequest } from '../http/admin-request.js';
import { requiredIdempotencyKey } from '../http/idempotency-header.js';
import { pageOf, pageRequest, pageView, type Page } from '../http/pagination.js';
import { mustExist } from '../http/path-params.js';
import { Written } from '../http/written.js';
import {
  adjustmentSchema,
  creditSchema,
  creditView,
  ledgerEntrySchema,
  ledgerEntryView,
  ledgerQuerySchema,
  patchWalletSchema,
  topUpSchema,
  walletListSchema,
  walletSchema,
  walletView,
  type Adjustment,
  type CreditView,
  type LedgerEntryView,
  type LedgerQuery,
  type PatchWallet,
  type TopUp,
  type WalletListView,
  type WalletView,
} from './wallets.schema.js';

const TAG = 'Wallets';
const RESOURCE = 'wallet';

@AdminController('accounts/:id/wallets')
export class WalletsController {
  constructor(
    private readonly accounts: AccountService,
    private readonly wallets: WalletService,
    private readonly lowBalances: LowBalanceService,
  ) {}

  @Get()
  @AdminOperation({ summary: 'Read the wallets of all three tiers', tag: TAG, response: walletListSchema })
  async list(@Param('id') id: string): Promise<WalletListView> {
    return { data: await this.views(id), next_cursor: null };
  }

  @Get(':tier')
  @AdminOperation({ versioned: true, summary: 'Read a wallet', tag: TAG, response: walletSchema })
  async read(@Param('id') id: string, @Param('tier') tier: Tier): Promise<WalletView> {
    return mustExist(
      (await this.views(id)).find((wallet) => wallet.tier === tier),
      'wallet',
    );
  }

  @Patch(':tier')
  @AdminOperation({
    versioned: true,
    summary: 'Set the threshold below which a wallet is low',
    description: 'Workers look every few seconds. Balances are not part of the state that `If-Match` names.',
    tag: TAG,
    body: patchWalletSchema,
    response: walletSchema,
    write: { action: 'wallet.patch' },
  })
  async patch(
    @Param('id') id: string,
    @Param('tier') tier: Tier,
    @Body() body: PatchWallet,
  ): Promise<Written<WalletView>> {
    const before = await this.read(id, tier);
    await this.lowBalances.setThreshold(id, tier, body.low_balance_threshold);
    const after = await this.read(id, tier);
    return new Written(after, { resource: RESOURCE, resourceId: id, before, after });
  }

  @Post(':tier/top-ups')
  @AdminOperation({
    summary: 'Put credits into a wallet',
    description: 'An `Idempotency-Key` counts once for the account, for ever.',
    tag: TAG,
    status: 201,
    body: topUpSchema,
    response: creditSchema,
    write: { action: 'wallet.top_up', idempotencyKey: 'required' },
  })
  async topUp(
    @Req() request: AdminRequest,
    @Param('id') accountId: string,
    @Param('tier') tier: Tier,
    @Body() body: TopUp,
  ): Promise<Written<CreditView>> {
    const idempotencyKey = requiredIdempotencyKey(request);
    const change = { accountId, tier, amountMicros: body.amount, note: body.reference, idempotencyKey };
    const result = await this.wallets.topUp(change);
    return credited(accountId, creditView(result), result.replayed);
  }

  @Post(':tier/adjustments')
  @AdminOperation({
    summary: 'Correct a balance',
    tag: TAG,
    status: 201,
    body: adjustmentSchema,
    response: creditSchema,
    write: { action: 'wallet.adjust', idempotencyKey: 'required' },
  })
  async adjust(
    @Req() request: AdminRequest,
    @Param('id') accountId: string,
    @Param('tier') tier: Tier,
    @Body() body: Adjustment,
  ): Promise<Written<CreditView>> {
    const idempotencyKey = requiredIdempotencyKey(request);
    const change = { accountId, tier, amountMicros: body.amount, note: body.reason, idempotencyKey };
    const result = await this.wallets.adjust(change);
    return credited(accountId, creditView(result), result.replayed);
  }

  @Get(':tier/ledger')
  @AdminOperation({
    summary: 'List the ledger of a wallet, newest first',
    tag: TAG,
    query: ledgerQuerySchema,
    response: pageOf(ledgerEntrySchema),
  })
  async ledger(
    @Param('id') id: string,
    @Param('tier') tier: Tier,
    @Query() query: LedgerQuery,
  ): Promise<Page<LedgerEntryView>> {
    const account = await this.accounts.read(id);
    return pageView(await this.wallets.ledger(account.id, tier, pageRequest(query)), ledgerEntryView);
  }

  /** Of all three tiers. */
  private async views(accountId: string): Promise<WalletView[]> {
    const { id } = await this.accounts.read(accountId);
    const balances = await this.wallets.balances(id);
    const thresholds = await this.lowBalances.thresholds(id);
    return balances.map((wallet) => walletView(wallet, thresholds.get(wallet.tier) ?? null));
  }
}

/** The ledger row holds the balance before; the audit log names the row. */
function credited(accountId: string, view: CreditView, replayed: boolean): Written<CreditView> {
  return new Written(view, { resource: RESOURCE, resourceId: accountId, before: null, after: view }, replayed);
}
