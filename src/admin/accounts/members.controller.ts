import { Body, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { AccountService } from '../../auth/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { pageOf, pageRequest, pageView, type Page } from '../http/pagination.js';
import { Written } from '../http/written.js';
import {
  addMemberSchema,
  memberQuerySchema,
  memberSchema,
  memberView,
  type AddMember,
  type MemberQuery,
  type MemberView,
} from './accounts.schema.js';

const TAG = 'Accounts';
const RESOURCE = 'account_member';

@AdminController('accounts/:id/members')
export class MembersController {
  constructor(private readonly accounts: AccountService) {}

  @Get()
  @AdminOperation({
    summary: 'List the members of an organization',
    tag: TAG,
    query: memberQuerySchema,
    response: pageOf(memberSchema),
  })
  async list(@Param('id') id: string, @Query() query: MemberQuery): Promise<Page<MemberView>> {
    return pageView(await this.accounts.members(id, pageRequest(query)), memberView);
  }

  @Post()
  @AdminOperation({
    summary: 'Add a personal account to an organization',
    description: 'Adding it again changes nothing.',
    tag: TAG,
    status: 201,
    body: addMemberSchema,
    response: memberSchema,
    write: { action: 'account_member.add' },
  })
  async add(@Param('id') id: string, @Body() body: AddMember): Promise<Written<MemberView>> {
    const view = memberView(await this.accounts.addMember(id, body.account_id));
    return new Written(view, { resource: RESOURCE, resourceId: id, before: null, after: view });
  }

  @Delete(':member_id')
  @AdminOperation({
    summary: 'Remove a member',
    description: 'Keys of the member that the organization pays for stop working.',
    tag: TAG,
    status: 204,
    write: { action: 'account_member.remove' },
  })
  async remove(@Param('id') id: string, @Param('member_id') memberId: string): Promise<Written<undefined>> {
    await this.accounts.removeMember(id, memberId);
    const before = { account_id: memberId, organization_id: id };
    return new Written(undefined, { resource: RESOURCE, resourceId: id, before, after: null });
  }
}
