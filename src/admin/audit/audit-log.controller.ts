import { Get, Param, Query } from '@nestjs/common';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { encodeCursor, pageOf, type Page } from '../http/pagination.js';
import { mustExist } from '../http/path-params.js';
import { AuditLogRepository } from '../persistence/audit-log.repository.js';
import {
  auditQuerySchema,
  auditRowSchema,
  auditRowView,
  type AuditQuery,
  type AuditRowView,
} from './audit-log.schema.js';

const TAG = 'Audit log';

@AdminController('audit-log')
export class AuditLogController {
  constructor(private readonly rows: AuditLogRepository) {}

  @Get()
  @AdminOperation({
    summary: 'List who did what, newest first',
    tag: TAG,
    query: auditQuerySchema,
    response: pageOf(auditRowSchema),
  })
  async list(@Query() query: AuditQuery): Promise<Page<AuditRowView>> {
    const { limit, cursor, actor_id: actorId, resource_id: resourceId, request_id: requestId, ...same } = query;
    const found = await this.rows.list({ ...same, actorId, resourceId, requestId }, limit + 1, cursor ?? null);
    const rows = found.slice(0, limit);
    const last = found.length > limit ? rows.at(-1) : undefined;
    return { data: rows.map(auditRowView), next_cursor: last === undefined ? null : encodeCursor(last.id) };
  }

  @Get(':id')
  @AdminOperation({ summary: 'Read one row of the audit log', tag: TAG, response: auditRowSchema })
  async read(@Param('id') id: string): Promise<AuditRowView> {
    return auditRowView(mustExist(await this.rows.find(id), 'row of the audit log'));
  }
}
