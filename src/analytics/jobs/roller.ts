import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import { RollupRepository } from '../persistence/rollup.repository.js';

const ROLL_EVERY_MS = 60_000;

/** Keeps the rollups of usage in step, in one of the worker processes at a time. */
@Injectable()
export class Roller implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly repository: RollupRepository,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.WORKERS_ENABLED) return;
    this.timer = setInterval(() => {
      this.running = this.running
        .then(() => this.roll())
        .catch((error: unknown) => {
          this.logger.warn({ error: String(error) }, 'usage could not be rolled up');
        });
    }, ROLL_EVERY_MS).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearInterval(this.timer);
    await this.running;
  }

  /** Everything that can be rolled up now, a day a transaction. Safe in several processes at once. */
  async roll(): Promise<void> {
    while (!this.stopped && (await this.repository.advance()));
  }
}
