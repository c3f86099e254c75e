import { Inject, Injectable } from '@nestjs/common';
import type { AdminIdentity } from '../../auth/index.js';
import { newId } from '../../platform/ids/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import type { Change } from '../http/written.js';
import {
  WriteJournalRepository,
  type AuditRow,
  type IdempotentRequest,
} from '../persistence/write-journal.repository.js';
import { maskSecrets } from './mask.js';

/** Keeps who did what, with the resource before and after. */
@Injectable()
export class AuditService {
  constructor(
    private readonly journal: WriteJournalRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Records a write that is committed, together with the answer of its `Idempotency-Key` when it has one. When that
   * fails the row goes to the log, so that the trail has no gap, and the error goes on: the caller repeats.
   */
  async record(
    actor: AdminIdentity,
    action: string,
    change: Change,
    request: IdempotentRequest | null,
    answer: { status: number; responseText: string | null },
  ): Promise<void> {
    const row: AuditRow = {
      id: newId(),
      actorId: actor.id,
      actor: actor.name,
      action,
      resource: change.resource,
      resourceId: change.resourceId,
      before: maskSecrets(change.before),
      after: maskSecrets(change.after),
    };
    try {
      await this.journal.record(row, request === null ? null : { request, ...answer });
    } catch (error) {
      this.logger.error({ audit: row, error: String(error) }, 'an administrative write could not be audited');
      throw error;
    }
  }
}
