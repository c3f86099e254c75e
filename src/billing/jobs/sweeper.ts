import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import { SettlementDesk } from '../../wallet/index.js';
import { SettlementRepository } from '../persistence/settlement.repository.js';
import { SettlementQueue } from '../settlement-queue.js';
import { SettlementService } from '../settlement.service.js';

const SWEEP_EVERY_MS = 1_000;
/** An outcome this old has lost its job: a new one is added. */
const OVERDUE_MS = 1_000;
/** An outcome this old shows that jobs are not done at all: it is settled here. */
const ABANDONED_MS = 2_500;
/** After its start the database leaves living processes this long to renew their leases, and so does a sweeper that was cut off. */
const LEASE_GRACE_MS = 10_000;
const EXPIRE_MAX = 500;

/**
 * Finishes what jobs and dead processes left behind. Runs in every worker process at once without harm: each row is
 * locked by one of them and passed over by the others.
 */
@Injectable()
export class Sweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly desk: SettlementDesk,
    private readonly repository: SettlementRepository,
    private readonly settlement: SettlementService,
    private readonly queue: SettlementQueue,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.WORKERS_ENABLED) this.schedule(0);
  }

  /** Settles what is captured, so that a process that ends in order leaves nothing to others. */
  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    await this.running;
    if (!this.config.WORKERS_ENABLED) return;
    await this.settlement.settlePending().catch((error: unknown) => {
      this.logger.warn({ error: String(error) }, 'outcomes are left for the next start');
    });
  }

  /** One round: overdue outcomes, then freezes of dead processes. */
  async sweep(): Promise<void> {
    await this.settleOverdue();
    if ((await this.desk.renewOwnLease()) < LEASE_GRACE_MS) return;
    let expired = EXPIRE_MAX;
    while (expired === EXPIRE_MAX) expired = await this.repository.expireDead(EXPIRE_MAX, LEASE_GRACE_MS);
  }

  private async settleOverdue(): Promise<void> {
    const ageMs = await this.desk.oldestPendingMs();
    if (ageMs === null || ageMs < OVERDUE_MS) return;
    if (ageMs < ABANDONED_MS) return this.queue.notify();
    this.queue.noteAbandoned(ageMs);
    await this.settlement.settlePending();
  }

  private schedule(delayMs: number): void {
    this.timer = setTimeout(() => {
      this.running = this.sweep()
        .catch((error: unknown) => this.logger.warn({ error: String(error) }, 'a sweep failed'))
        .finally(() => {
          if (!this.stopped) this.schedule(SWEEP_EVERY_MS);
        });
    }, delayMs).unref();
  }
}
