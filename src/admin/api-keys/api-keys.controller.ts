import { Body, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { KeyService } from '../../auth/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { pageOf, pageRequest, pageView, type Page } from '../http/pagination.js';
import { changed, created, Written } from '../http/written.js';
import { ApiKeyAdmin } from './api-key.admin.js';
import {
  createdKeySchema,
  createdKeyView,
  createKeySchema,
  keyQuerySchema,
  keySchema,
  keyView,
  patchKeySchema,
  rotateKeySchema,
  withoutSecret,
  type CreatedKeyView,
  type CreateKey,
  type KeyQuery,
  type KeyView,
  type PatchKey,
  type RotateKey,
} from './api-keys.schema.js';

const TAG = 'API keys';
const RESOURCE = 'api_key';

@AdminController('api-keys')
export class ApiKeysController {
  constructor(
    private readonly keys: KeyService,
    private readonly admin: ApiKeyAdmin,
  ) {}

  @Post()
  @AdminOperation({
    versioned: true,
    summary: 'Create an API key',
    description: 'The answer is the only place where `key` is ever shown.',
    tag: TAG,
    status: 201,
    body: createKeySchema,
    response: createdKeySchema,
    write: { action: 'api_key.create', replay: withoutSecret },
  })
  async create(@Body() body: CreateKey): Promise<Written<CreatedKeyView>> {
    return created(RESOURCE, createdKeyView(await this.admin.create(body)));
  }

  @Get()
  @AdminOperation({ summary: 'List API keys', tag: TAG, query: keyQuerySchema, response: pageOf(keySchema) })
  async list(@Query() query: KeyQuery): Promise<Page<KeyView>> {
    const { owner_account_id: ownerAccountId, billing_account_id: billingAccountId, status } = query;
    const page = await this.keys.list({ ownerAccountId, billingAccountId, status }, pageRequest(query));
    return pageView(page, keyView);
  }

  @Get(':id')
  @AdminOperation({ versioned: true, summary: 'Read an API key', tag: TAG, response: keySchema })
  async read(@Param('id') id: string): Promise<KeyView> {
    return keyView(await this.keys.read(id));
  }

  @Patch(':id')
  @AdminOperation({
    versioned: true,
    summary: 'Change an API key',
    description: 'In force in every process within a second.',
    tag: TAG,
    body: patchKeySchema,
    response: keySchema,
    write: { action: 'api_key.patch' },
  })
  async patch(@Param('id') id: string, @Body() body: PatchKey): Promise<Written<KeyView>> {
    const before = keyView(await this.keys.read(id));
    return changed(RESOURCE, before, keyView(await this.admin.patch(id, body)));
  }

  @Post(':id/rotate')
  @AdminOperation({
    versioned: true,
    summary: 'Give an API key a new secret',
    description:
      'The key keeps its id, limits and quota. Until the grace time is over both secrets pass; then the old one ends in every process. The answer is the only place where the new `key` is ever shown.',
    tag: TAG,
    body: rotateKeySchema,
    response: createdKeySchema,
    write: { action: 'api_key.rotate', replay: withoutSecret },
  })
  async rotate(@Param('id') id: string, @Body() body: RotateKey): Promise<Written<CreatedKeyView>> {
    const before = keyView(await this.keys.read(id));
    const rotated = createdKeyView(await this.keys.rotate(id, body.grace_seconds));
    return changed(RESOURCE, before, rotated, { grace_seconds: body.grace_seconds });
  }

  @Post(':id/revoke')
  @AdminOperation({
    versioned: true,
    summary: 'Revoke an API key for ever',
    tag: TAG,
    response: keySchema,
    write: { action: 'api_key.revoke' },
  })
  async revoke(@Param('id') id: string): Promise<Written<KeyView>> {
    const before = keyView(await this.keys.read(id));
    return changed(RESOURCE, before, keyView(await this.keys.revoke(id)));
  }

  @Delete(':id')
  @AdminOperation({
    versioned: true,
    summary: 'Revoke an API key for ever',
    description: 'The same as `POST …/revoke`; the key stays readable, because usage refers to it.',
    tag: TAG,
    status: 204,
    write: { action: 'api_key.revoke' },
  })
  async remove(@Param('id') id: string): Promise<Written<undefined>> {
    const before = keyView(await this.keys.read(id));
    const after = keyView(await this.keys.revoke(id));
    return new Written(undefined, { resource: RESOURCE, resourceId: id, before, after });
  }
}
