import { z } from 'zod';
import { plainText, timeIn, timeOut, uuid } from '../http/fields.js';
import { pageQuery } from '../http/pagination.js';
import type { AuditLogEntity } from '../persistence/audit-log.entity.js';

const NAME_LENGTH_MAX = 128;
const word = plainText(NAME_LENGTH_MAX).min(1);

export const auditQuerySchema = z.strictObject({
  ...pageQuery,
  actor_id: uuid.optional().describe('The admin token.'),
  action: word.optional().describe('E.g. `api_key.patch`.'),
  resource: word.optional().describe('E.g. `api_key`.'),
  resource_id: word.optional(),
  request_id: word.optional().describe('The gateway request id of the write.'),
  from: timeIn.optional().describe('Not before this moment.'),
  to: timeIn.optional().describe('Before this moment.'),
});
export type AuditQuery = z.output<typeof auditQuerySchema>;

const state = z.unknown().describe('Secrets are masked; `null` when there was, or is, nothing.');

export const auditRowSchema = z
  .object({
    id: uuid,
    created_at: timeOut,
    actor_id: uuid.nullable(),
    actor: z.string().describe('Name of the admin token.'),
    action: z.string(),
    resource: z.string(),
    resource_id: z.string(),
    request_id: z.string().nullable(),
    before: state,
    after: state,
  })
  .meta({ id: 'AuditRow' });
export type AuditRowView = z.output<typeof auditRowSchema>;

export function auditRowView(row: AuditLogEntity): AuditRowView {
  return {
    id: row.id,
    created_at: row.createdAt.toISOString(),
    actor_id: row.actorId,
    actor: row.actor,
    action: row.action,
    resource: row.resource,
    resource_id: row.resourceId,
    request_id: row.requestId,
    before: row.before,
    after: row.after,
  };
}
