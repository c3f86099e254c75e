import { Inject, Injectable } from '@nestjs/common';
import { newId } from '../../platform/ids/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import { adminOf, type AdminRequest } from '../http/admin-request.js';
import type { Change } from '../http/written.js';
import {
  WriteJournalRepository,
  type AuditRow,
  type IdempotentRequest,
} from '../persistence/write-journal.repository.js';
import { maskSecrets } from './mask.js';

/** What was done, and whether it is committed already. */
export interface AuditedWrite {
  action: string;
  change: Change;
  isCommitted: boolean;
}

/** Keeps who did what, with the resource before and after. */
@Injectable()
export class AuditService {
  constructor(
    private readonly journal: WriteJournalRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Records a write together with the answer of its `Idempotency-Key` when it has one, in the transaction of the caller
   * if there is one. When that fails after the write was committed, the row goes to the log, so that the trail has no gap,
   * and the error goes on: the caller repeats.
   */
  async record(
    request: AdminRequest,
    { action, change, isCommitted }: AuditedWrite,
    idempotent: IdempotentRequest | null,
    answer: { status: number; responseText: string | null },
  ): Promise<void> {
    const actor = adminOf(request);
    const row: AuditRow = {
      id: newId(),
      actorId: actor.id,
      actor: actor.name,
      action,
      resource: change.resource,
      resourceId: change.resourceId,
      before: maskSecrets(change.before),
      after: maskSecrets(change.after),
      requestId: request.gatewayRequestId,
    };
    try {
      await this.journal.record(row, idempotent === null ? null : { request: idempotent, ...answer });
    } catch (error) {
      if (isCommitted) {
        this.logger.error({ audit: row, error: String(error) }, 'an administrative write could not be audited');
      }
      throw error;
    }
  }
}
