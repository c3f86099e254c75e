import { Injectable } from '@nestjs/common';
import { DataSource, MoreThan, QueryFailedError, type EntityManager, type SelectQueryBuilder } from 'typeorm';
import type { ApiKeyRecord, KeyFilter } from '../domain/api-key-record.js';
import type { PageRequest } from '../domain/page.js';
import type { HashedSecret } from '../secret-hasher.js';
import { ApiKeyEntity, ApiKeyLastUseEntity, ApiKeySecretEntity } from './api-key.entity.js';

/** What changes of a key between two reads; `lastUsedAt` has a table of its own. */
export type StoredKey = Omit<ApiKeyRecord, 'lastUsedAt'>;

const FOREIGN_KEY_VIOLATION = '23503';

const END_SECRETS = `update api_key_secret set expires_at = least(expires_at, $2) where api_key_id = $1`;

// For a while the holder of an old secret is told that it was rotated; later it is unknown like any other.
const FORGET_SECRETS = `delete from api_key_secret where api_key_id = $1 and expires_at < now() - interval '90 days'`;

const UPSERT_LAST_USE = `
  insert into api_key_last_use as old (api_key_id, last_used_at)
  select used.id, used.at from unnest($1::uuid[], $2::timestamptz[]) as used (id, at) order by used.id
  on conflict (api_key_id) do update set last_used_at = greatest(old.last_used_at, excluded.last_used_at)`;

/** Keys and their secrets, for administration. */
@Injectable()
export class KeyRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Runs `work` in one transaction; the other methods join it through the manager. */
  async inTransaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.dataSource.transaction(work);
  }

  async insert(manager: EntityManager, key: StoredKey, secret: HashedSecret): Promise<void> {
    await manager.insert(ApiKeyEntity, { ...key });
    await this.addSecret(manager, key.id, secret, key.createdAt);
  }

  async addSecret(manager: EntityManager, apiKeyId: string, secret: HashedSecret, createdAt: Date): Promise<void> {
    const { hash: secretHash, version: hashVersion } = secret;
    await manager.insert(ApiKeySecretEntity, { secretHash, apiKeyId, hashVersion, expiresAt: null, createdAt });
  }

  /** No secret of the key passes after `end`; ends that are sooner stay. Those long over are forgotten. */
  async endSecrets(manager: EntityManager, apiKeyId: string, end: Date): Promise<void> {
    await manager.query(END_SECRETS, [apiKeyId, end]);
    await manager.query(FORGET_SECRETS, [apiKeyId]);
  }

  /** How many secrets of the key pass at a moment. */
  async livingSecrets(manager: EntityManager, apiKeyId: string, now: Date): Promise<number> {
    return manager.count(ApiKeySecretEntity, { where: { apiKeyId, expiresAt: MoreThan(now) } });
  }

  async update(manager: EntityManager, id: string, changes: Partial<StoredKey>): Promise<void> {
    await manager.update(ApiKeyEntity, { id }, changes);
  }

  /** The key, locked until the transaction ends; `null` when there is none. */
  async lock(manager: EntityManager, id: string): Promise<StoredKey | null> {
    return manager.findOne(ApiKeyEntity, { where: { id }, lock: { mode: 'pessimistic_write' } });
  }

  /** Active keys of an owner that another account pays for. */
  async activeOf(manager: EntityManager, ownerAccountId: string, billingAccountId: string): Promise<StoredKey[]> {
    return manager.findBy(ApiKeyEntity, { ownerAccountId, billingAccountId, status: 'ACTIVE' });
  }

  async find(id: string): Promise<ApiKeyRecord | null> {
    const [found] = await this.withLastUse(this.select().where('key.id = :id', { id }));
    return found ?? null;
  }

  /** Newest first; one more than `limit` when there is a next page. */
  async list(filter: KeyFilter, page: PageRequest, now: Date): Promise<ApiKeyRecord[]> {
    const query = this.select()
      .orderBy('key.id', 'DESC')
      .limit(page.limit + 1);
    if (page.cursor !== null) query.andWhere('key.id < :cursor', { cursor: page.cursor });
    if (filter.ownerAccountId !== undefined)
      query.andWhere('key.ownerAccountId = :owner', { owner: filter.ownerAccountId });
    if (filter.billingAccountId !== undefined) {
      query.andWhere('key.billingAccountId = :billing', { billing: filter.billingAccountId });
    }
    if (filter.status !== undefined) {
      const shown = `case when key.status = 'ACTIVE' and key.expiresAt <= :now then 'EXPIRED' else key.status end`;
      query.andWhere(`${shown} = :status`, { status: filter.status, now });
    }
    return this.withLastUse(query);
  }

  /** Moves last uses forward, never back. Rows are taken in id order, so two processes cannot deadlock. */
  async recordLastUses(lastUsedMsById: ReadonlyMap<string, number>): Promise<void> {
    const times = [...lastUsedMsById.values()].map((ms) => new Date(ms));
    await this.dataSource.query(UPSERT_LAST_USE, [[...lastUsedMsById.keys()], times]);
  }

  private select(): SelectQueryBuilder<ApiKeyEntity> {
    return this.dataSource.createQueryBuilder(ApiKeyEntity, 'key');
  }

  private async withLastUse(query: SelectQueryBuilder<ApiKeyEntity>): Promise<ApiKeyRecord[]> {
    const keys: StoredKey[] = await query.getMany();
    if (keys.length === 0) return [];
    const uses = await this.dataSource
      .createQueryBuilder(ApiKeyLastUseEntity, 'use')
      .where('use.apiKeyId in (:...ids)', { ids: keys.map(({ id }) => id) })
      .getMany();
    const lastUseById = new Map(uses.map((use) => [use.apiKeyId, use.lastUsedAt]));
    return keys.map((key) => ({ ...key, lastUsedAt: lastUseById.get(key.id) ?? null }));
  }
}

/** Name of the foreign key that a failed statement violates, e.g. `api_key_policy_id_fkey`; `null` for other failures. */
export function violatedForeignKey(error: unknown): string | null {
  if (!(error instanceof QueryFailedError)) return null;
  const driverError = error.driverError as { code?: string; constraint?: string };
  return driverError.code === FOREIGN_KEY_VIOLATION ? (driverError.constraint ?? null) : null;
}
