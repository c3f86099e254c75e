import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Every } from '../../platform/clock/index.js';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import { RollupRepository } from '../persistence/rollup.repository.js';

const ROLL_EVERY_MS = 60_000;

/** Keeps the rollups of usage in step, in one of the worker processes at a time. */
@Injectable()
export class Roller implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly rounds: Every;

  constructor(
    private readonly repository: RollupRepository,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.rounds = new Every(
      ROLL_EVERY_MS,
      () => this.roll(),
      (error) => logger.warn({ error: String(error) }, 'usage could not be rolled up'),
    );
  }

  onApplicationBootstrap(): void {
    if (this.config.WORKERS_ENABLED) this.rounds.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds.stop();
  }

  /** Everything that can be rolled up now, in short transactions. Safe in several processes at once. */
  async roll(): Promise<void> {
    await this.rounds.repeat(() => this.repository.advance());
  }
}
