import { Body, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { AccountService } from '../../auth/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { pageOf, pageRequest, pageView, type Page } from '../http/pagination.js';
import { changed, created, type Written } from '../http/written.js';
import {
  accountQuerySchema,
  accountSchema,
  accountView,
  createAccountSchema,
  patchAccountSchema,
  type AccountQuery,
  type AccountView,
  type CreateAccount,
  type PatchAccount,
} from './accounts.schema.js';

const TAG = 'Accounts';

@AdminController('accounts')
export class AccountsController {
  constructor(private readonly accounts: AccountService) {}

  @Post()
  @AdminOperation({
    versioned: true,
    summary: 'Create an account',
    tag: TAG,
    status: 201,
    body: createAccountSchema,
    response: accountSchema,
    write: { action: 'account.create' },
  })
  async create(@Body() body: CreateAccount): Promise<Written<AccountView>> {
    const { policy_id: policyId, ...same } = body;
    return created('account', accountView(await this.accounts.create({ ...same, policyId })));
  }

  @Get()
  @AdminOperation({ summary: 'List accounts', tag: TAG, query: accountQuerySchema, response: pageOf(accountSchema) })
  async list(@Query() query: AccountQuery): Promise<Page<AccountView>> {
    const page = await this.accounts.list({ kind: query.kind, status: query.status }, pageRequest(query));
    return pageView(page, accountView);
  }

  @Get(':id')
  @AdminOperation({ versioned: true, summary: 'Read an account', tag: TAG, response: accountSchema })
  async read(@Param('id') id: string): Promise<AccountView> {
    return accountView(await this.accounts.read(id));
  }

  @Patch(':id')
  @AdminOperation({
    versioned: true,
    summary: 'Change an account: name, status, policy',
    description: 'Only an account whose wallets are all at zero can be closed.',
    tag: TAG,
    body: patchAccountSchema,
    response: accountSchema,
    write: { action: 'account.patch' },
  })
  async patch(@Param('id') id: string, @Body() body: PatchAccount): Promise<Written<AccountView>> {
    const before = accountView(await this.accounts.read(id));
    const { policy_id: policyId, ...same } = body;
    return changed('account', before, accountView(await this.accounts.patch(id, { ...same, policyId })));
  }
}
