import { Injectable } from '@nestjs/common';
import { DataSource, In } from 'typeorm';
import type { AdminRole } from '../domain/identity.js';
import { AdminTokenEntity } from './admin-token.entity.js';

export interface StoredAdminToken {
  id: string;
  name: string;
  role: AdminRole;
  tokenHash: Buffer;
  hashVersion: number;
  expiresAt: Date | null;
  revokedAt: Date | null;
  createdAt: Date;
}

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

  async insert(token: StoredAdminToken): Promise<void> {
    await this.dataSource.manager.insert(AdminTokenEntity, token);
  }

  /**
   * Stores the first token there is. Processes that start at once take turns, so only one of them makes it.
   * @returns whether it was stored; `false` when some token exists, also a revoked one.
   */
  async insertFirst(token: StoredAdminToken): Promise<boolean> {
    return this.dataSource.transaction(async (manager) => {
      await manager.query('lock table admin_token in share row exclusive mode');
      if (await manager.exists(AdminTokenEntity)) return false;
      await manager.insert(AdminTokenEntity, token);
      return true;
    });
  }
}
