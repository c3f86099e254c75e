import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Every } from '../../platform/clock/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import { WriteJournalRepository } from '../persistence/write-journal.repository.js';

const CLEAN_EVERY_MS = 3_600_000;
const KEPT_MS = 7 * 86_400_000;
/** Rows of one statement: short locks, and a shutdown never waits long. */
const DELETE_MAX = 5_000;

/** Forgets the keys and answers of old writes; where money moved, the ledger recognises its own keys for ever. */
@Injectable()
export class IdempotencyRetention implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly rounds = new Every(
    CLEAN_EVERY_MS,
    () => this.clean(),
    (error) => this.logger.warn({ error: String(error) }, 'old idempotency keys could not be deleted'),
  );

  constructor(
    private readonly journal: WriteJournalRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.rounds.stop();
  }

  /** One round. Safe in several processes at once. */
  async clean(): Promise<void> {
    const before = new Date((await this.journal.nowMs()) - KEPT_MS);
    await this.rounds.repeat(async () => (await this.journal.forget(before, DELETE_MAX)) === DELETE_MAX);
  }
}
