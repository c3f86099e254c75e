import { Injectable } from '@nestjs/common';
import { AppError } from '../../platform/errors/index.js';
import {
  WriteJournalRepository,
  type IdempotentRequest,
  type StoredAnswer,
} from '../persistence/write-journal.repository.js';

/** An answer that was given before under the same key. */
export interface Replay {
  status: number;
  responseText: string | null;
}

const RETRY_AFTER_S = 1;

/** Makes a repeated write with the same `Idempotency-Key` answer as the first one did, and never run twice at a time. */
@Injectable()
export class IdempotencyService {
  constructor(private readonly journal: WriteJournalRepository) {}

  /**
   * @returns `null` when the request is the first one and is to run now, else the answer to repeat.
   * @throws AppError `conflict` when the key was used for something else or the first request is still running.
   */
  async begin(request: IdempotentRequest): Promise<Replay | null> {
    if (await this.journal.claim(request)) return null;
    const stored = await this.journal.find(request.actorId, request.idempotencyKey);
    if (stored === null) throw inProgress();
    return replayOf(stored, request);
  }

  /** The request was refused: it changed nothing, and its key is free for a corrected one. */
  async abandon(request: IdempotentRequest): Promise<void> {
    await this.journal.abandon(request);
  }
}

function replayOf(stored: StoredAnswer, request: IdempotentRequest): Replay {
  if (stored.operation !== request.operation || !stored.requestHash.equals(request.requestHash)) {
    throw new AppError('conflict', 'this Idempotency-Key was used before with another request', {
      code: 'idempotency_key_reused',
      hint: 'use a new key for a new request',
    });
  }
  if (stored.status === null) throw inProgress();
  return { status: stored.status, responseText: stored.responseText };
}

function inProgress(): AppError {
  return new AppError('conflict', 'a request with this Idempotency-Key is still running', {
    code: 'idempotency_in_progress',
    retryAfterS: RETRY_AFTER_S,
  });
}
