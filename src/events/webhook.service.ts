import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../platform/clock/index.js';
import { CONFIG, type Config } from '../platform/config/index.js';
import { isUuid, newId } from '../platform/ids/index.js';
import { checkOutboundUrl } from '../platform/net/index.js';
import { testMessage } from './domain/message.js';
import type { NewWebhook, Webhook, WebhookPatch, WebhookWithSecret } from './domain/webhook.js';
import { badWebhookUrl, tooManyWebhooks, tooManyWebhookSecrets, webhookNotFound } from './events.errors.js';
import type { AttemptResult } from './persistence/delivery.repository.js';
import { WebhookRepository } from './persistence/webhook.repository.js';
import { WebhookSecrets } from './webhook-secrets.js';
import { WebhookSender } from './webhook-sender.js';

/** Each may have a few deliveries on their way at once, in every worker. */
const WEBHOOKS_MAX = 50;
/** Signatures of one message; receivers have to try them. */
const SECRETS_MAX = 3;

/** Administration of webhooks. */
@Injectable()
export class WebhookService {
  constructor(
    private readonly rows: WebhookRepository,
    private readonly secrets: WebhookSecrets,
    private readonly sender: WebhookSender,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'ALLOW_PRIVATE_UPSTREAMS'>,
  ) {}

  /** Makes a webhook and its secret. @throws AppError `unprocessable` naming the field; `conflict` when there are too many. */
  async create(input: NewWebhook): Promise<WebhookWithSecret> {
    const now = new Date(this.clock.nowMs());
    const webhook: Webhook = {
      id: newId(now.getTime()),
      url: await this.checkedUrl(input.url),
      kinds: kindsOf(input.kinds),
      description: input.description ?? '',
      enabled: input.enabled ?? true,
      failingSince: null,
      lastError: null,
      createdAt: now,
      updatedAt: now,
    };
    const { secret, row } = this.secrets.make();
    await this.rows.inTransaction(async (manager) => {
      if ((await this.rows.lockedCount(manager)) >= WEBHOOKS_MAX) throw tooManyWebhooks(WEBHOOKS_MAX);
      await this.rows.insert(manager, webhook);
      await this.rows.addSecret(manager, webhook.id, row);
    });
    return { webhook, secret };
  }

  /** Newest first. `cursor` is the `nextCursor` of the page before. */
  async list(page: { limit: number; cursor: string | null }): Promise<{ items: Webhook[]; nextCursor: string | null }> {
    const rows = await this.rows.page(page.cursor, page.limit + 1);
    const items = rows.slice(0, page.limit);
    return { items, nextCursor: rows.length > page.limit ? (items.at(-1)?.id ?? null) : null };
  }

  /** @throws AppError `not_found`. */
  async read(id: string): Promise<Webhook> {
    const webhook = isUuid(id) ? await this.rows.find(id) : null;
    if (webhook === null) throw webhookNotFound();
    return webhook;
  }

  /**
   * Changes the fields that are given. Another address starts without the failures of the old one.
   * @throws AppError `not_found`; `unprocessable` naming the field.
   */
  async patch(id: string, patch: WebhookPatch): Promise<Webhook> {
    const before = await this.read(id);
    const change: Partial<Webhook> = { updatedAt: new Date(this.clock.nowMs()) };
    if (patch.url !== undefined) change.url = await this.checkedUrl(patch.url);
    if (patch.kinds !== undefined) change.kinds = kindsOf(patch.kinds);
    if (patch.description !== undefined) change.description = patch.description;
    if (patch.enabled !== undefined) change.enabled = patch.enabled;
    if (change.url !== undefined && change.url !== before.url)
      Object.assign(change, { failingSince: null, lastError: null });
    await this.rows.update(id, change);
    return this.read(id);
  }

  /** Its deliveries go with it. @throws AppError `not_found`. */
  async remove(id: string): Promise<void> {
    if (!isUuid(id) || !(await this.rows.delete(id))) throw webhookNotFound();
  }

  /**
   * Gives it a new secret. Older ones sign as well for `graceSeconds` more, or until the end that an earlier rotation gave them.
   * @throws AppError `not_found`; `conflict` when too many secrets sign.
   */
  async rotateSecret(id: string, graceSeconds: number): Promise<WebhookWithSecret> {
    await this.read(id);
    const { secret, row } = this.secrets.make();
    await this.rows.inTransaction(async (manager) => {
      if (!(await this.rows.lock(manager, id))) throw webhookNotFound();
      await this.rows.endSecrets(manager, id, graceSeconds);
      if ((await this.rows.livingSecrets(id, manager)).length >= SECRETS_MAX) throw tooManyWebhookSecrets(SECRETS_MAX);
      await this.rows.addSecret(manager, id, row);
    });
    await this.rows.update(id, { updatedAt: new Date(this.clock.nowMs()) });
    return { webhook: await this.read(id), secret };
  }

  /** Sends a test message once, also to one that is not enabled. Never throws for what it finds. @throws AppError `not_found`. */
  async test(id: string): Promise<AttemptResult> {
    const { url } = await this.read(id);
    const messageId = newId();
    const body = testMessage(messageId, id, this.clock.nowMs());
    return this.sender.send({ url, id: messageId, body, secrets: await this.rows.livingSecrets(id) });
  }

  private async checkedUrl(text: string): Promise<string> {
    const allowPrivate = this.config.ALLOW_PRIVATE_UPSTREAMS;
    const checked = await checkOutboundUrl(text, { allowPrivate });
    if (checked.url === null) throw badWebhookUrl(checked, allowPrivate);
    return checked.url.href;
  }
}

/** Each once. */
function kindsOf(kinds: NewWebhook['kinds']): Webhook['kinds'] {
  return kinds === null || kinds === undefined ? null : [...new Set(kinds)];
}
