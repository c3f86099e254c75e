import { Inject, Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { ChangeFeed } from '../../platform/changes/index.js';
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
import { writeOf, type WriteSpec } from './admin-operation.js';
import { Written } from './written.js';

const REPLAYED_HEADER = 'idempotency-replayed';

/** A write operation and the request it serves. */
interface WriteCall {
  request: AdminRequest;
  reply: FastifyReply;
  write: WriteSpec;
  status: number;
  idempotent: IdempotentRequest | null;
}

/**
 * Around every write: answers a repetition from the journal, runs the handler, makes the change visible in this process,
 * and records the audit row and the answer.
 */
@Injectable()
export class WriteInterceptor implements NestInterceptor {
  constructor(
    private readonly idempotency: IdempotencyService,
    private readonly audit: AuditService,
    private readonly changes: ChangeFeed,
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
    const written = await this.runHandler(call, next);
    await this.makeVisible();
    const stored = call.write.replay === undefined ? written.body : call.write.replay(written.body);
    await this.audit.record(adminOf(call.request), call.write.action, written.change, call.idempotent, {
      status: call.status,
      responseText: stored === undefined ? null : JSON.stringify(stored),
    });
    if (written.replayed) call.reply.header(REPLAYED_HEADER, 'true');
    return written.body;
  }

  private async runHandler(call: WriteCall, next: CallHandler): Promise<Written<unknown>> {
    try {
      const result: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
      if (result instanceof Written) return result;
      throw new Error(`${call.write.action} did not say what it changed`);
    } catch (error) {
      if (call.idempotent !== null && changedNothing(error)) await this.idempotency.abandon(call.idempotent);
      throw error;
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

function callOf(context: ExecutionContext, write: WriteSpec): WriteCall {
  const request = context.switchToHttp().getRequest<AdminRequest>();
  const key = idempotencyKeyOf(request, write);
  return {
    request,
    reply: context.switchToHttp().getResponse<FastifyReply>(),
    write,
    status: operationOf(context.getHandler())?.status ?? 200,
    idempotent: key === null ? null : idempotentRequest(request, key),
  };
}

function idempotentRequest(request: AdminRequest, idempotencyKey: string): IdempotentRequest {
  const path = (request.url.split('?', 1)[0] ?? '').replace(/\/+$/, '');
  const operation = `${request.method} ${path}`;
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
