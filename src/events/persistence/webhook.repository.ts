import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, LessThan, MoreThan, type EntityManager } from 'typeorm';
import { inTransaction } from '../../platform/database/index.js';
import type { SealedSecret, Webhook } from '../domain/webhook.js';
import { WebhookEntity, WebhookSecretEntity } from './webhook.entity.js';

/** One creation at a time, so that their number stays bounded; the key is arbitrary. */
const CREATION_LOCK = 7_052_026_201;

const LIVING = `select id, sealed from webhook_secret
  where webhook_id = $1 and (expires_at is null or expires_at > now()) order by created_at desc, id desc`;
const END_SECRETS = `update webhook_secret set expires_at = least(expires_at, now() + $2 * interval '1 second')
  where webhook_id = $1`;
const FORGET_SECRETS = `delete from webhook_secret where webhook_id = $1 and expires_at <= now()`;

/** Webhooks and their sealed secrets in the database. */
@Injectable()
export class WebhookRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** Runs `work` in one transaction; methods that take its manager join it. */
  inTransaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return inTransaction(this.dataSource, work);
  }

  /** How many there are; nobody else creates one until the transaction ends. */
  async lockedCount(manager: EntityManager): Promise<number> {
    await manager.query('select pg_advisory_xact_lock($1)', [CREATION_LOCK]);
    return manager.count(WebhookEntity);
  }

  async insert(manager: EntityManager, webhook: Webhook): Promise<void> {
    await manager.insert(WebhookEntity, { ...webhook });
  }

  find(id: string): Promise<Webhook | null> {
    return this.dataSource.manager.findOneBy(WebhookEntity, { id });
  }

  /** Newest first, older than a given one. */
  page(beforeId: string | null, limit: number): Promise<Webhook[]> {
    const where = beforeId === null ? {} : { id: LessThan(beforeId) };
    return this.dataSource.manager.find(WebhookEntity, { where, order: { id: 'DESC' }, take: limit });
  }

  async update(id: string, change: Partial<Omit<Webhook, 'id'>>): Promise<void> {
    await this.dataSource.manager.update(WebhookEntity, { id }, change);
  }

  /** @returns whether there was one. */
  async delete(id: string): Promise<boolean> {
    const { affected } = await this.dataSource.manager.delete(WebhookEntity, { id });
    return (affected ?? 0) > 0;
  }

  /** Holds a webhook until the transaction ends. @returns whether there is one. */
  async lock(manager: EntityManager, id: string): Promise<boolean> {
    return (await manager.findOne(WebhookEntity, { where: { id }, lock: { mode: 'pessimistic_write' } })) !== null;
  }

  async addSecret(manager: EntityManager, webhookId: string, secret: SealedSecret): Promise<void> {
    await manager.insert(WebhookSecretEntity, { ...secret, webhookId, expiresAt: null });
  }

  /** No secret of the webhook signs after `graceS` seconds; ends that are sooner stay. Those that are over are deleted. */
  async endSecrets(manager: EntityManager, webhookId: string, graceS: number): Promise<void> {
    await manager.query(END_SECRETS, [webhookId, graceS]);
    await manager.query(FORGET_SECRETS, [webhookId]);
  }

  /** Those that sign now, newest first. */
  livingSecrets(webhookId: string, manager: EntityManager = this.dataSource.manager): Promise<SealedSecret[]> {
    return manager.query<SealedSecret[]>(LIVING, [webhookId]);
  }

  /** Every stored secret in order of ids, after a given one. */
  sealedSecrets(afterId: string | null, limit: number): Promise<SealedSecret[]> {
    const where = afterId === null ? {} : { id: MoreThan(afterId) };
    return this.dataSource.manager.find(WebhookSecretEntity, { where, order: { id: 'ASC' }, take: limit });
  }

  /** Seals a secret anew. @returns whether the row still held the text before. */
  async replaceSealed(id: string, before: string, after: string): Promise<boolean> {
    const { affected } = await this.dataSource.manager.update(
      WebhookSecretEntity,
      { id, sealed: before },
      { sealed: after },
    );
    return affected === 1;
  }
}
