import { Inject, Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { ChangeFeed } from '../../platform/changes/index.js';
import { UnitOfWork } from '../../platform/database/index.js';
import { AppError } from '../../platform/errors/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import { operationOf } from '../../platform/openapi/index.js';
import { AuditService } from '../audit/audit.service.js';
import { IdempotencyService, type Replay } from '../idempotency/idempotency.service.js';
import { requestHash } from '../idempotency/request-hash.js';
import type { IdempotentRequest } from '../persistence/write-journal.repository.js';
import { PROBLEM_BY_KIND } from '../problem/problem-table.js';
import { adminOf, type AdminRequest } from './admin-request.js';
import { idempotencyKeyOf } from './idempotency-header.js';
import { takesIfMatch, writeOf, type WriteSpec } from './admin-operation.js';
import { assertIfMatch } from './entity-tag.js';
import { ResourceTurns } from './resource-turns.js';
import { Written } from './written.js';

const REPLAYED_HEADER = 'idempotency-replayed';

/** A write operation and the request it serves. */
interface WriteCall {
  request: AdminRequest;
  reply: FastifyReply;
  write: WriteSpec;
  status: number;
  idempotent: IdempotentRequest | null;
  /** What is written to, e.g. `accounts/<id>`; `null` for something new. */
  resource: string | null;
  /** It changes one resource whose state the caller may name. */
  isChange: boolean;
}

/**
 * Around every write: answers a repetition from the journal, runs the handler, records the audit row and the answer in the
 * same transaction, and makes the change visible in this process. Writes to one resource take turns.
 */
@Injectable()
export class WriteInterceptor implements NestInterceptor {
  constructor(
    private readonly idempotency: IdempotencyService,
    private readonly audit: AuditService,
    private readonly changes: ChangeFeed,
    private readonly units: UnitOfWork,
    private readonly turns: ResourceTurns,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const write = writeOf(context.getHandler());
    if (write === null) return next.handle();
    return from(this.run(callOf(context, write), next));
  }

  private async run(call: WriteCall, next: CallHandler): Promise<unknown> {
    const replay = call.idempotent === null ? null : await this.idempotency.begin(call.idempotent);
    if (replay !== null) return answerAgain(call, replay);
    const written = await this.turns.take(call.resource, () => this.perform(call, next));
    await this.makeVisible();
    if (written.replayed) call.reply.header(REPLAYED_HEADER, 'true');
    return written.body;
  }

  private async perform(call: WriteCall, next: CallHandler): Promise<Written<unknown>> {
    let isCommitting = false;
    const work = async (): Promise<Written<unknown>> => {
      const written = await writtenBy(call, next);
      // Still inside the transaction, with the resource locked: a refusal undoes what the handler did.
      if (call.isChange) assertIfMatch(call.request.headers['if-match'], written.change.before);
      await this.record(call, written);
      isCommitting = true;
      return written;
    };
    const joined = call.write.transaction !== 'own';
    try {
      return joined ? await this.units.run(lockNameOf(call), work) : await work();
    } catch (error) {
      const isUndone = (joined && !isCommitting) || changedNothing(error);
      if (call.idempotent !== null && isUndone) await this.abandon(call.idempotent);
      throw error;
    }
  }

  private async record(call: WriteCall, written: Written<unknown>): Promise<void> {
    const stored = call.write.replay === undefined ? written.body : call.write.replay(written.body);
    const answer = { status: call.status, responseText: stored === undefined ? null : JSON.stringify(stored) };
    const { action, transaction } = call.write;
    const audited = { action, change: written.change, isCommitted: transaction === 'own' };
    await this.audit.record(call.request, audited, call.idempotent, answer);
  }

  /** When this fails too, the key is free again after a minute; the caller is told the first error. */
  private async abandon(request: IdempotentRequest): Promise<void> {
    try {
      await this.idempotency.abandon(request);
    } catch (error) {
      this.logger.warn({ error: String(error) }, 'an idempotency key could not be given back');
    }
  }

  /** The change is committed: a failure here only delays this process, as it may delay any other. */
  private async makeVisible(): Promise<void> {
    try {
      await this.changes.catchUp();
    } catch (error) {
      this.logger.warn({ error: String(error) }, 'an administrative write is not visible here yet');
    }
  }
}

async function writtenBy(call: WriteCall, next: CallHandler): Promise<Written<unknown>> {
  const result: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
  if (result instanceof Written) return result;
  throw new Error(`${call.write.action} did not say what it changed`);
}

function lockNameOf({ resource }: WriteCall): string | null {
  return resource === null ? null : `admin:${resource}`;
}

function callOf(context: ExecutionContext, write: WriteSpec): WriteCall {
  const request = context.switchToHttp().getRequest<AdminRequest>();
  const key = idempotencyKeyOf(request, write);
  return {
    request,
    reply: context.switchToHttp().getResponse<FastifyReply>(),
    write,
    status: operationOf(context.getHandler())?.status ?? 200,
    idempotent: key === null ? null : idempotentRequest(request, key),
    resource: resourceOf(request),
    isChange: takesIfMatch(context.getHandler()),
  };
}

/** `/admin/v1/accounts/<id>/members` writes to `accounts/<id>`. */
function resourceOf(request: AdminRequest): string | null {
  const [, , , resource, id] = pathOf(request).split('/');
  return resource === undefined || id === undefined ? null : `${resource}/${id}`;
}

function pathOf(request: AdminRequest): string {
  return (request.url.split('?', 1)[0] ?? '').replace(/\/+$/, '');
}

function idempotentRequest(request: AdminRequest, idempotencyKey: string): IdempotentRequest {
  const operation = `${request.method} ${pathOf(request)}`;
  return {
    actorId: adminOf(request).id,
    idempotencyKey,
    operation,
    requestHash: requestHash(operation, request.adminRawBody),
  };
}

/** A refusal left everything as it was; after anything else nobody can be sure. */
function changedNothing(error: unknown): boolean {
  return error instanceof AppError && PROBLEM_BY_KIND[error.kind].status < 500;
}

function answerAgain(call: WriteCall, replay: Replay): unknown {
  call.reply.header(REPLAYED_HEADER, 'true');
  return replay.responseText === null ? undefined : (JSON.parse(replay.responseText) as unknown);
}
