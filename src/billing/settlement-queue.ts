import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../platform/clock/index.js';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import { Counter, METRICS, type Registry } from '../platform/metrics/index.js';
import { JobQueues } from '../platform/queue/index.js';

/** One job at most in each slot of this length, whatever the load: a job costs as much as ten outcomes. */
const BUCKET_MS = 100;
/** After a failed add the queue is left alone for this long; the sweeper settles meanwhile. */
const PAUSE_AFTER_FAILURE_MS = 1_000;
/** Jobs that are not done are one line in the log this often, whatever the load. */
const COMPLAIN_EVERY_MS = 10_000;

/**
 * Announces captured outcomes to the workers. The outcome on the freeze is the outbox; the job only says "look now", so
 * losing one costs a second, never a charge.
 */
@Injectable()
export class SettlementQueue implements OnApplicationShutdown {
  private timer: NodeJS.Timeout | null = null;
  private pausedUntilMs = 0;
  private silentUntilMs = 0;
  private readonly abandoned: Counter;

  constructor(
    private readonly queues: JobQueues,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METRICS) metrics: Registry,
  ) {
    this.abandoned = new Counter({
      name: 'settlement_abandoned_total',
      help: 'Rounds in which outcomes were settled without their jobs; it grows while the queue or its worker is away.',
      registers: [metrics],
    });
  }

  /** Call after every capture; returns at once. */
  notify(): void {
    const nowMs = this.clock.nowMs();
    if (this.timer !== null || performance.now() < this.pausedUntilMs) return;
    const bucket = Math.floor(nowMs / BUCKET_MS);
    // At the end of the slot: the job of a slot then starts after every outcome of that slot is on disk.
    this.timer = setTimeout(() => void this.add(bucket), (bucket + 1) * BUCKET_MS - nowMs);
  }

  /**
   * Call when outcomes have to be settled without their jobs: nothing is lost, but every charge comes seconds late for as long as
   * nobody looks.
   */
  noteAbandoned(ageMs: number): void {
    this.abandoned.inc();
    if (performance.now() < this.silentUntilMs) return;
    this.silentUntilMs = performance.now() + COMPLAIN_EVERY_MS;
    const worker = this.queues.workerState('settlement');
    this.logger.warn({ age_ms: Math.round(ageMs), worker }, 'settlement jobs are not done; the sweeper settles');
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
