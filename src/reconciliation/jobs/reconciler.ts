import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Every } from '../../platform/clock/index.js';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import { ReconciliationService } from '../reconciliation.service.js';

/** How often a process asks whether a comparison is due. */
const ASK_EVERY_MAX_MS = 60_000;
/** After a start callers come first. */
const FIRST_AFTER_MAX_MS = 600_000;

/**
 * Compares the books every `RECONCILE_INTERVAL_MS`, in one of the worker processes. By a timer: what watches over the
 * money must not depend on a queue that is away. The database says whose turn it is.
 */
@Injectable()
export class Reconciler implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly rounds: Every;

  constructor(
    reconciliation: ReconciliationService,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) logger: Logger,
  ) {
    const intervalMs = config.RECONCILE_INTERVAL_MS;
    this.rounds = new Every(
      Math.min(intervalMs, ASK_EVERY_MAX_MS),
      (ending) => reconciliation.runWhenDue(intervalMs, ending),
      (error) => {
        if (!this.rounds.stopped) logger.warn({ error: String(error) }, 'the books could not be compared');
      },
    );
  }

  onApplicationBootstrap(): void {
    const { WORKERS_ENABLED: isWorker, RECONCILE_INTERVAL_MS: intervalMs } = this.config;
    if (isWorker && intervalMs > 0) this.rounds.start(Math.min(intervalMs, FIRST_AFTER_MAX_MS));
  }

  /** A comparison that runs is broken off after its current range, and left to another process. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds.stop();
  }
}
