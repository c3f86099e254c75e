import { Body, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { AdminTokenRegistry, expiryInThePast, type AdminTokenRecord } from '../../auth/index.js';
import { Clock } from '../../platform/clock/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { pageOf, pageRequest, pageView, type Page } from '../http/pagination.js';
import { changed, created, Written } from '../http/written.js';
import {
  adminTokenQuerySchema,
  adminTokenSchema,
  adminTokenView,
  createAdminTokenSchema,
  createdAdminTokenSchema,
  createdAdminTokenView,
  patchAdminTokenSchema,
  withoutToken,
  type AdminTokenQuery,
  type AdminTokenView,
  type CreateAdminToken,
  type CreatedAdminTokenView,
  type PatchAdminToken,
} from './admin-tokens.schema.js';

const TAG = 'Admin tokens';
const RESOURCE = 'admin_token';
const role = 'owner';
const LAST_OWNER = 'The last owner token that does not expire stays, unless `ADMIN_TOKEN` is set.';

/** Who may administer; only owners may. */
@AdminController('admin-tokens')
export class AdminTokensController {
  constructor(
    private readonly tokens: AdminTokenRegistry,
    private readonly clock: Clock,
  ) {}

  @Post()
  @AdminOperation({
    versioned: true,
    summary: 'Create an admin token',
    description: 'The answer is the only place where `token` is ever shown.',
    tag: TAG,
    role,
    status: 201,
    body: createAdminTokenSchema,
    response: createdAdminTokenSchema,
    write: { action: 'admin_token.create', replay: withoutToken },
  })
  async create(@Body() body: CreateAdminToken): Promise<Written<CreatedAdminTokenView>> {
    const nowMs = this.clock.nowMs();
    const expiresAt = body.expires_at ?? null;
    if (expiresAt !== null && expiresAt.getTime() <= nowMs) throw expiryInThePast();
    const made = await this.tokens.create({ name: body.name, role: body.role, expiresAt });
    return created(RESOURCE, createdAdminTokenView(made, nowMs));
  }

  @Get()
  @AdminOperation({
    summary: 'List admin tokens, newest first',
    tag: TAG,
    role,
    query: adminTokenQuerySchema,
    response: pageOf(adminTokenSchema),
  })
  async list(@Query() query: AdminTokenQuery): Promise<Page<AdminTokenView>> {
    return pageView(await this.tokens.list(query.role, pageRequest(query)), (token) => this.view(token));
  }

  @Get(':id')
  @AdminOperation({ versioned: true, summary: 'Read an admin token', tag: TAG, role, response: adminTokenSchema })
  async read(@Param('id') id: string): Promise<AdminTokenView> {
    return this.view(await this.tokens.read(id));
  }

  @Patch(':id')
  @AdminOperation({
    versioned: true,
    summary: 'Change name, role or end of an admin token',
    description: `In force in every process within a second. ${LAST_OWNER}`,
    tag: TAG,
    role,
    body: patchAdminTokenSchema,
    response: adminTokenSchema,
    write: { action: 'admin_token.patch' },
  })
  async patch(@Param('id') id: string, @Body() body: PatchAdminToken): Promise<Written<AdminTokenView>> {
    const before = this.view(await this.tokens.read(id));
    const { expires_at: expiresAt, ...same } = body;
    return changed(RESOURCE, before, this.view(await this.tokens.patch(id, { ...same, expiresAt })));
  }

  @Post(':id/revoke')
  @AdminOperation({
    versioned: true,
    summary: 'Revoke an admin token for ever',
    description: LAST_OWNER,
    tag: TAG,
    role,
    response: adminTokenSchema,
    write: { action: 'admin_token.revoke' },
  })
  async revoke(@Param('id') id: string): Promise<Written<AdminTokenView>> {
    const before = this.view(await this.tokens.read(id));
    return changed(RESOURCE, before, this.view(await this.tokens.revoke(id)));
  }

  @Delete(':id')
  @AdminOperation({
    versioned: true,
    summary: 'Revoke an admin token for ever',
    description: 'The same as `POST …/revoke`; the token stays readable, because the audit log refers to it.',
    tag: TAG,
    role,
    status: 204,
    write: { action: 'admin_token.revoke' },
  })
  async remove(@Param('id') id: string): Promise<Written<undefined>> {
    const { change } = await this.revoke(id);
    return new Written(undefined, change);
  }

  private view(token: AdminTokenRecord): AdminTokenView {
    return adminTokenView(token, this.clock.nowMs());
  }
}
