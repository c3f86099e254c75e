import { Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { ChangeFeed } from '../platform/changes/index.js';
import { Clock } from '../platform/clock/index.js';
import { HotConnectionFactory, type HotConnection } from '../platform/database/index.js';
import { AppError } from '../platform/errors/index.js';
import { QueueHealth } from '../platform/queue/index.js';

/** A dependency that does not answer within this time is down; with the age of an answer below, three seconds of the five. */
const PROBE_TIMEOUT_MS = 2_000;
/** However many probes ask, a dependency is asked once in this time. */
const PROBE_CACHE_MS = 1_000;
/** Snapshots are refreshed every half second; this late, an administrator's change is no longer in force here. */
const STALENESS_MAX_MS = 5_000;

/** The things outside of this process, and its own snapshots, without which no request can be served. */
@Injectable()
export class Dependencies {
  private readonly connection: HotConnection;

  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly queue: QueueHealth,
    private readonly changes: ChangeFeed,
    private readonly clock: Clock,
    connections: HotConnectionFactory,
  ) {
    this.connection = connections.create('health');
  }

  /** Answers a statement. */
  database(): PromiseLike<HealthIndicatorResult> {
    return this.ask('database', () => this.connection.query('health_ping', 'select 1'));
  }

  /** Takes and gives jobs. */
  queues(): PromiseLike<HealthIndicatorResult> {
    return this.ask('queue', () => this.queue.ping());
  }

  /** Keys, policies, models and rates in memory are as fresh as the contract promises. */
  snapshots(): HealthIndicatorResult {
    const stalenessMs = this.changes.stalenessMs(this.clock.nowMs());
    const session = this.indicators.check('snapshots');
    if (stalenessMs <= STALENESS_MAX_MS) return session.up();
    const age = Number.isFinite(stalenessMs) ? `not refreshed for ${Math.round(stalenessMs)} ms` : 'not loaded yet';
    return session.down(age);
  }

  private ask(name: string, probe: () => Promise<unknown>): PromiseLike<HealthIndicatorResult> {
    return this.indicators
      .check(name)
      .attempt(async () => {
        await probe().catch((error: unknown) => {
          throw error instanceof AppError ? new Error(error.detail ?? error.message) : error;
        });
      })
      .withTimeout(PROBE_TIMEOUT_MS)
      .cacheFor(PROBE_CACHE_MS);
  }
}
