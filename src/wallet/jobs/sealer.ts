import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Every } from '../../platform/clock/index.js';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import { SealService } from '../seal.service.js';

/** A third of the promised minute, so that one failed run breaks no promise. */
const SEAL_EVERY_MS = 20_000;
/** Soon after the start, for what was left by the process before. */
const FIRST_AFTER_MS = 1_000;

/** Seals the ledger in every worker process, by a timer: evidence must not depend on a queue that is away. */
@Injectable()
export class Sealer implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly rounds = new Every(
    SEAL_EVERY_MS,
    () => this.seals.sealPending(),
    (error) => this.logger.warn({ error: String(error) }, 'the ledger could not be sealed'),
  );

  constructor(
    private readonly seals: SealService,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.WORKERS_ENABLED) this.rounds.start(FIRST_AFTER_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    this.seals.stop();
    await this.rounds.stop();
  }
}
