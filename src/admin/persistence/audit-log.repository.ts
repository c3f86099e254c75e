import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { AuditLogEntity } from './audit-log.entity.js';

/** Which rows; absent and `undefined` fields do not restrict. */
export interface AuditFilter {
  actorId?: string | undefined;
  action?: string | undefined;
  resource?: string | undefined;
  resourceId?: string | undefined;
  requestId?: string | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
}

/** Column conditions by field of the filter; times are inclusive below and exclusive above. */
const CONDITIONS: Readonly<Record<keyof AuditFilter, string>> = {
  actorId: 'row.actorId = :actorId',
  action: 'row.action = :action',
  resource: 'row.resource = :resource',
  resourceId: 'row.resourceId = :resourceId',
  requestId: 'row.requestId = :requestId',
  from: 'row.createdAt >= :from',
  to: 'row.createdAt < :to',
};

/** Reads the audit log; only the journal writes it. */
@Injectable()
export class AuditLogRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** Newest first; one more than `limit` when there is a next page. */
  async list(filter: AuditFilter, limit: number, beforeId: string | null): Promise<AuditLogEntity[]> {
    const query = this.dataSource.createQueryBuilder(AuditLogEntity, 'row').orderBy('row.id', 'DESC').limit(limit);
    for (const [name, condition] of Object.entries(CONDITIONS)) {
      const value = filter[name as keyof AuditFilter];
      if (value !== undefined) query.andWhere(condition, { [name]: value });
    }
    if (beforeId !== null) query.andWhere('row.id < :beforeId', { beforeId });
    return query.getMany();
  }

  async find(id: string): Promise<AuditLogEntity | null> {
    return this.dataSource.manager.findOneBy(AuditLogEntity, { id });
  }
}
