import { Body, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { WebhookService } from '../../events/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { pageOf, pageRequest, pageView, type Page } from '../http/pagination.js';
import { changed, created, removed, Written } from '../http/written.js';
import {
  createWebhookSchema,
  patchWebhookSchema,
  rotateSecretSchema,
  webhookQuerySchema,
  webhookSchema,
  webhookTestSchema,
  webhookTestView,
  webhookView,
  webhookWithSecretSchema,
  webhookWithSecretView,
  withoutWebhookSecret,
  type CreateWebhook,
  type PatchWebhook,
  type RotateSecret,
  type WebhookQuery,
  type WebhookTestView,
  type WebhookView,
  type WebhookWithSecretView,
} from './webhooks.schema.js';

const TAG = 'Webhooks';
const RESOURCE = 'webhook';
const GRACE_SECONDS_DEFAULT = 86_400;

@AdminController('webhooks')
export class WebhooksController {
  constructor(private readonly webhooks: WebhookService) {}

  @Post()
  @AdminOperation({
    versioned: true,
    summary: 'Add a webhook',
    description: 'The answer is the only place where its `secret` is shown. It gets the events from now on.',
    tag: TAG,
    status: 201,
    body: createWebhookSchema,
    response: webhookWithSecretSchema,
    write: { action: 'webhook.create', replay: withoutWebhookSecret },
  })
  async create(@Body() body: CreateWebhook): Promise<Written<WebhookWithSecretView>> {
    return created(RESOURCE, webhookWithSecretView(await this.webhooks.create(body)));
  }

  @Get()
  @AdminOperation({
    summary: 'List webhooks, newest first',
    tag: TAG,
    query: webhookQuerySchema,
    response: pageOf(webhookSchema),
  })
  async list(@Query() query: WebhookQuery): Promise<Page<WebhookView>> {
    return pageView(await this.webhooks.list(pageRequest(query)), webhookView);
  }

  @Get(':id')
  @AdminOperation({ versioned: true, summary: 'Read a webhook', tag: TAG, response: webhookSchema })
  async read(@Param('id') id: string): Promise<WebhookView> {
    return webhookView(await this.webhooks.read(id));
  }

  @Patch(':id')
  @AdminOperation({
    versioned: true,
    summary: 'Change a webhook',
    tag: TAG,
    body: patchWebhookSchema,
    response: webhookSchema,
    write: { action: 'webhook.patch' },
  })
  async patch(@Param('id') id: string, @Body() body: PatchWebhook): Promise<Written<WebhookView>> {
    const before = webhookView(await this.webhooks.read(id));
    return changed(RESOURCE, before, webhookView(await this.webhooks.patch(id, body)));
  }

  @Delete(':id')
  @AdminOperation({
    versioned: true,
    summary: 'Delete a webhook and its deliveries',
    tag: TAG,
    status: 204,
    write: { action: 'webhook.delete' },
  })
  async remove(@Param('id') id: string): Promise<Written<undefined>> {
    const before = webhookView(await this.webhooks.read(id));
    await this.webhooks.remove(id);
    return removed(RESOURCE, id, before);
  }

  @Post(':id/test')
  @AdminOperation({
    summary: 'Send a signed test message now',
    description: 'Of type `test`; also to a webhook that is not enabled. 200 also when it fails: `error` says why.',
    tag: TAG,
    response: webhookTestSchema,
    write: { action: 'webhook.test', transaction: 'own' },
  })
  async test(@Param('id') id: string): Promise<Written<WebhookTestView>> {
    const view = webhookTestView(await this.webhooks.test(id));
    return new Written(view, { resource: RESOURCE, resourceId: id, before: null, after: view });
  }

  @Post(':id/rotate-secret')
  @AdminOperation({
    versioned: true,
    summary: 'Give a webhook a new secret',
    description: 'Until the grace time is over messages carry a signature of each. At most three secrets sign at once.',
    tag: TAG,
    body: rotateSecretSchema,
    response: webhookWithSecretSchema,
    write: { action: 'webhook.rotate_secret', replay: withoutWebhookSecret },
  })
  async rotateSecret(@Param('id') id: string, @Body() body: RotateSecret): Promise<Written<WebhookWithSecretView>> {
    const before = webhookView(await this.webhooks.read(id));
    const rotated = await this.webhooks.rotateSecret(id, body?.grace_seconds ?? GRACE_SECONDS_DEFAULT);
    return changed(RESOURCE, before, webhookWithSecretView(rotated));
  }
}
