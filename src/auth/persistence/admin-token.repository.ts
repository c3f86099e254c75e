import { Injectable } from '@nestjs/common';
import { DataSource, In, IsNull, LessThan, type EntityManager } from 'typeorm';
import { inTransaction } from '../../platform/database/index.js';
import type { AdminTokenRecord } from '../domain/admin-token.js';
import type { AdminRole } from '../domain/identity.js';
import type { PageRequest } from '../domain/page.js';
import type { HashedSecret } from '../secret-hasher.js';
import { AdminTokenEntity } from './admin-token.entity.js';

/** A token with what it is recognised by. */
export interface StoredAdminToken extends AdminTokenRecord {
  tokenHash: Buffer;
}

/** Reads and writes of one transaction in which nobody else changes tokens. */
export interface AdminTokenWriter {
  find(id: string): Promise<AdminTokenRecord | null>;
  save(token: AdminTokenRecord): Promise<void>;
}

/** Readers go on; writers wait. */
const LOCK = 'lock table admin_token in share row exclusive mode';

/** Tokens of operators. */
@Injectable()
export class AdminTokenRepository {
  constructor(private readonly dataSource: DataSource) {}

  async all(): Promise<StoredAdminToken[]> {
    return this.dataSource.manager.find(AdminTokenEntity);
  }

  async byIds(ids: readonly string[]): Promise<StoredAdminToken[]> {
    return this.dataSource.manager.findBy(AdminTokenEntity, { id: In([...ids]) });
  }

  async find(id: string): Promise<AdminTokenRecord | null> {
    return found(this.dataSource.manager, id);
  }

  /** Newest first; one more than `limit` when there is a next page. */
  async list(role: AdminRole | undefined, page: PageRequest): Promise<AdminTokenRecord[]> {
    const rows = await this.dataSource.manager.find(AdminTokenEntity, {
      where: {
        ...(role === undefined ? {} : { role }),
        ...(page.cursor === null ? {} : { id: LessThan(page.cursor) }),
      },
      order: { id: 'DESC' },
      take: page.limit + 1,
    });
    return rows.map(recordOf);
  }

  async insert(token: AdminTokenRecord, secret: HashedSecret): Promise<void> {
    await insert(this.dataSource.manager, token, secret);
  }

  /**
   * Stores the first token there is. Processes that start at once take turns, so only one of them makes it.
   * @returns whether it was stored; `false` when some token exists, also a revoked one.
   */
  async insertFirst(token: AdminTokenRecord, secret: HashedSecret): Promise<boolean> {
    return inTransaction(this.dataSource, async (manager) => {
      await manager.query(LOCK);
      if (await manager.exists(AdminTokenEntity)) return false;
      await insert(manager, token, secret);
      return true;
    });
  }

  /** Runs `work` while nobody else changes a token. `owners` are those that are not revoked. */
  async changeAlone<T>(
    work: (owners: readonly AdminTokenRecord[], writer: AdminTokenWriter) => Promise<T>,
  ): Promise<T> {
    return inTransaction(this.dataSource, async (manager) => {
      await manager.query(LOCK);
      const owners = await manager.findBy(AdminTokenEntity, { role: 'owner', revokedAt: IsNull() });
      return work(owners.map(recordOf), {
        find: (id) => found(manager, id),
        save: async ({ id, name, role, expiresAt, revokedAt, updatedAt }) => {
          await manager.update(AdminTokenEntity, { id }, { name, role, expiresAt, revokedAt, updatedAt });
        },
      });
    });
  }
}

async function insert(manager: EntityManager, token: AdminTokenRecord, secret: HashedSecret): Promise<void> {
  await manager.insert(AdminTokenEntity, { ...token, tokenHash: secret.hash, hashVersion: secret.version });
}

async function found(manager: EntityManager, id: string): Promise<AdminTokenRecord | null> {
  const row = await manager.findOneBy(AdminTokenEntity, { id });
  return row === null ? null : recordOf(row);
}

/** Without what it is recognised by. */
function recordOf(row: AdminTokenEntity): AdminTokenRecord {
  const { id, name, role, display, expiresAt, revokedAt, createdAt, updatedAt } = row;
  return { id, name, role, display, expiresAt, revokedAt, createdAt, updatedAt };
}
