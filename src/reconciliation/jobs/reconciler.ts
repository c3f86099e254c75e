import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
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
  private readonly end = new AbortController();
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly reconciliation: ReconciliationService,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    const { WORKERS_ENABLED: isWorker, RECONCILE_INTERVAL_MS: intervalMs } = this.config;
    if (isWorker && intervalMs > 0) this.schedule(Math.min(intervalMs, FIRST_AFTER_MAX_MS));
  }

  /** A comparison that runs is broken off after its current range, and left to another process. */
  async beforeApplicationShutdown(): Promise<void> {
    this.end.abort();
    if (this.timer !== null) clearTimeout(this.timer);
    await this.running;
  }

  private schedule(delayMs: number): void {
    this.timer = setTimeout(() => {
      this.running = this.run().finally(() => {
        if (!this.end.signal.aborted) this.schedule(Math.min(this.config.RECONCILE_INTERVAL_MS, ASK_EVERY_MAX_MS));
      });
    }, delayMs).unref();
  }

  private async run(): Promise<void> {
    try {
      await this.reconciliation.runWhenDue(this.config.RECONCILE_INTERVAL_MS, this.end.signal);
    } catch (error) {
      if (!this.end.signal.aborted) this.logger.warn({ error: String(error) }, 'the books could not be compared');
    }
  }
}
