import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../platform/clock/index.js';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import { JobQueues } from '../platform/queue/index.js';

/** One job at most in each slot of this length, whatever the load: a job costs as much as ten outcomes. */
const BUCKET_MS = 100;
/** After a failed add the queue is left alone for this long; the sweeper settles meanwhile. */
const PAUSE_AFTER_FAILURE_MS = 1_000;

/**
 * Announces captured outcomes to the workers. The outcome on the freeze is the outbox; the job only says "look now", so
 * losing one costs a second, never a charge.
 */
@Injectable()
export class SettlementQueue implements OnApplicationShutdown {
  private timer: NodeJS.Timeout | null = null;
  private pausedUntilMs = 0;

  constructor(
    private readonly queues: JobQueues,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Call after every capture; returns at once. */
  notify(): void {
    const nowMs = this.clock.nowMs();
    if (this.timer !== null || performance.now() < this.pausedUntilMs) return;
    const bucket = Math.floor(nowMs / BUCKET_MS);
    // At the end of the slot: the job of a slot then starts after every outcome of that slot is on disk.
    this.timer = setTimeout(() => void this.add(bucket), (bucket + 1) * BUCKET_MS - nowMs);
  }

  onApplicationShutdown(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.pausedUntilMs = Number.POSITIVE_INFINITY;
  }

  private async add(bucket: number): Promise<void> {
    this.timer = null;
    try {
      await this.queues.add('settlement', { bucket }, `settle-${String(bucket)}`);
    } catch (error) {
      this.pausedUntilMs = Math.max(this.pausedUntilMs, performance.now() + PAUSE_AFTER_FAILURE_MS);
      this.logger.warn({ error: String(error) }, 'a settlement job could not be added; the sweeper will settle');
    }
  }
}
