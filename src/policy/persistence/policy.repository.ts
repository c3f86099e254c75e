import { Injectable } from '@nestjs/common';
import { DataSource, In, LessThan, QueryFailedError } from 'typeorm';
import type { PolicyRecord } from '../domain/policy.js';
import { PolicyEntity } from './policy.entity.js';

const FOREIGN_KEY_VIOLATION = '23503';

/** What a delete came to; a policy that keys use cannot go. */
export type PolicyRemoval = 'removed' | 'absent' | 'in_use';

@Injectable()
export class PolicyRepository {
  constructor(private readonly dataSource: DataSource) {}

  async all(): Promise<PolicyRecord[]> {
    return this.dataSource.manager.find(PolicyEntity);
  }

  async byIds(ids: readonly string[]): Promise<PolicyRecord[]> {
    return this.dataSource.manager.findBy(PolicyEntity, { id: In([...ids]) });
  }

  async find(id: string): Promise<PolicyRecord | null> {
    return this.dataSource.manager.findOneBy(PolicyEntity, { id });
  }

  /** Newest first; one more than `limit` when there is a next page. */
  async list(limit: number, cursor: string | null): Promise<PolicyRecord[]> {
    return this.dataSource.manager.find(PolicyEntity, {
      ...(cursor === null ? {} : { where: { id: LessThan(cursor) } }),
      order: { id: 'DESC' },
      take: limit + 1,
    });
  }

  async insert(policy: PolicyRecord): Promise<void> {
    await this.dataSource.manager.insert(PolicyEntity, mutable(policy));
  }

  /** @returns whether the policy exists. */
  async update(id: string, changes: Partial<PolicyRecord>): Promise<boolean> {
    const result = await this.dataSource.manager.update(PolicyEntity, { id }, mutable(changes));
    return result.affected === 1;
  }

  async remove(id: string): Promise<PolicyRemoval> {
    try {
      const result = await this.dataSource.manager.delete(PolicyEntity, { id });
      return result.affected === 1 ? 'removed' : 'absent';
    } catch (error) {
      const code = error instanceof QueryFailedError ? (error.driverError as { code?: string }).code : undefined;
      if (code === FOREIGN_KEY_VIOLATION) return 'in_use';
      throw error;
    }
  }
}

/** TypeORM wants arrays that it may change. */
function mutable<T extends Partial<PolicyRecord>>(policy: T): Partial<PolicyEntity> & T {
  return policy as Partial<PolicyEntity> & T;
}
