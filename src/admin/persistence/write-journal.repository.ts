import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import { databaseNowMs, inTransaction } from '../../platform/database/index.js';
import { AdminIdempotencyEntity } from './admin-idempotency.entity.js';

/** A use of an `Idempotency-Key`. */
export interface IdempotentRequest {
  actorId: string;
  idempotencyKey: string;
  /** Method and path. */
  operation: string;
  requestHash: Buffer;
}

export interface StoredAnswer {
  operation: string;
  requestHash: Buffer;
  /** `null` while the first request runs. */
  status: number | null;
  /** The answer as JSON text; `null` when it has no body. */
  responseText: string | null;
}

export interface AuditRow {
  id: string;
  /** `null` for what is done without a token, by a command. */
  actorId: string | null;
  actor: string;
  action: string;
  resource: string;
  resourceId: string;
  before: unknown;
  after: unknown;
  /** `null` without a request. */
  requestId: string | null;
}

/** A key whose request never ended (its process died) may be taken over by a repetition after this time. */
const ABANDONED_AFTER = '60 seconds';

const CLAIM = `
  insert into admin_idempotency as seen (actor_id, idempotency_key, operation, request_hash)
  values ($1, $2, $3, $4)
  on conflict (actor_id, idempotency_key) do update set created_at = now()
    where seen.status is null and seen.created_at < now() - interval '${ABANDONED_AFTER}'
      and seen.operation = excluded.operation and seen.request_hash = excluded.request_hash
  returning 1 as claimed`;

// The answer is kept as a JSON *string*: jsonb would reorder its fields, and a replay is to be the very same text.
const FINISH = `
  update admin_idempotency set status = $3, response = to_jsonb($4::text)
  where actor_id = $1 and idempotency_key = $2`;

const ABANDON = `delete from admin_idempotency where actor_id = $1 and idempotency_key = $2 and status is null`;

const FORGET = `
  with old as (
    select actor_id, idempotency_key from admin_idempotency where created_at < $1 limit $2 for update skip locked
  ), deleted as (
    delete from admin_idempotency seen using old
    where seen.actor_id = old.actor_id and seen.idempotency_key = old.idempotency_key
    returning 1
  )
  select count(*)::int as deleted from deleted`;

const AUDIT = `
  insert into audit_log (id, actor_id, actor, action, resource, resource_id, before, after, request_id)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`;

/** Rows about administrative writes: the keys that make them repeatable and the audit log. */
@Injectable()
export class WriteJournalRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** @returns whether the key is ours now; exactly one of parallel requests is told so. */
  async claim(request: IdempotentRequest): Promise<boolean> {
    const { actorId, idempotencyKey, operation, requestHash } = request;
    const rows: unknown[] = await this.dataSource.query(CLAIM, [actorId, idempotencyKey, operation, requestHash]);
    return rows.length === 1;
  }

  async find(actorId: string, idempotencyKey: string): Promise<StoredAnswer | null> {
    const row = await this.dataSource.manager.findOneBy(AdminIdempotencyEntity, { actorId, idempotencyKey });
    if (row === null) return null;
    const responseText = typeof row.response === 'string' ? row.response : null;
    return { operation: row.operation, requestHash: row.requestHash, status: row.status, responseText };
  }

  /** Gives a key back: its request was refused and changed nothing. */
  async abandon(request: IdempotentRequest): Promise<void> {
    await this.dataSource.query(ABANDON, [request.actorId, request.idempotencyKey]);
  }

  nowMs(): Promise<number> {
    return databaseNowMs(this.dataSource);
  }

  /** Deletes at most `limit` keys from before a time. @returns how many. */
  async forget(before: Date, limit: number): Promise<number> {
    const [row]: { deleted: number }[] = await this.dataSource.query(FORGET, [before, limit]);
    return row?.deleted ?? 0;
  }

  /** Writes the audit row and, for a request with a key, its answer; both or neither. */
  async record(
    audit: AuditRow,
    answer: { request: IdempotentRequest; status: number; responseText: string | null } | null,
  ): Promise<void> {
    await inTransaction(this.dataSource, async (manager) => {
      await insertAudit(manager, audit);
      if (answer === null) return;
      const { request, status, responseText } = answer;
      await manager.query(FINISH, [request.actorId, request.idempotencyKey, status, responseText]);
    });
  }
}

async function insertAudit(manager: EntityManager, row: AuditRow): Promise<void> {
  const { id, actorId, actor, action, resource, resourceId, before, after, requestId } = row;
  const states = [before, after].map(jsonOrNull);
  await manager.query(AUDIT, [id, actorId, actor, action, resource, resourceId, ...states, requestId]);
}

function jsonOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}
