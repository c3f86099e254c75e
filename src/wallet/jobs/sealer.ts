import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
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
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly seals: SealService,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.WORKERS_ENABLED) this.schedule(FIRST_AFTER_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.seals.stop();
    await this.running;
  }

  private schedule(delayMs: number): void {
    this.timer = setTimeout(() => {
      this.running = this.seal().finally(() => {
        if (!this.stopped) this.schedule(SEAL_EVERY_MS);
      });
    }, delayMs).unref();
  }

  private async seal(): Promise<void> {
    try {
      await this.seals.sealPending();
    } catch (error) {
      this.logger.warn({ error: String(error) }, 'the ledger could not be sealed');
    }
  }
}
