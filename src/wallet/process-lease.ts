import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { newId } from '../platform/ids/index.js';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import { isUnavailable } from './micro-batcher.js';
import { LeaseKeeper } from './persistence/lease-keeper.js';
import { LeaseRepository } from './persistence/lease.repository.js';

const ROLE = 'gateway';
const LEASE_MS = 15_000;
const RENEW_EVERY_MS = 5_000;
const TICK_MS = 500;
/** A process whose event loop stands still for longer ends: its state is unknown. */
const HELD_MAX_MS = 300_000;
const BEGIN_WITHIN_MS = 30_000;
const BEGIN_PAUSE_MS = 200;
/** Longer than any statement may run: after this time a freeze that was given up cannot appear any more. */
const GIVEN_UP_FOR_MS = 20_000;
/** So long without a renewal, the way to the database was interrupted, and perhaps for everybody. */
const INTERRUPTION_MS = 8_000;

interface GivenUp {
  accountId: string;
  id: string;
  sinceMs: number;
}

/**
 * The promise that this process lives. Freezes belong to a process and expire when its lease is over, so a process that
 * dies at any moment leaves no credits frozen. Freezes whose fate is unknown (the database went away in the middle) are
 * given up here: they expire although the process lives on.
 */
@Injectable()
export class ProcessLease implements OnModuleInit, OnApplicationShutdown {
  readonly processId = newId();
  private readonly givenUp = new Map<string, GivenUp>();
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> = Promise.resolve();
  private renewedMs = Number.NEGATIVE_INFINITY;
  private backSinceMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly leases: LeaseRepository,
    private readonly keeper: LeaseKeeper,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.begin();
    this.keep();
    this.schedule();
  }

  /** Ends the lease; freezes that are still held now expire with the next sweep. */
  async onApplicationShutdown(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    await this.running;
    await this.keeper.stop();
    await this.leases.end(this.processId).catch((error: unknown) => {
      this.logger.warn({ error: String(error) }, 'the process lease could not be ended');
    });
  }

  /** Lets a freeze expire although this process lives on; keeps trying while the database is away. */
  giveUp(accountId: string, id: string): void {
    this.givenUp.set(id, { accountId, id, sinceMs: performance.now() });
  }

  /** Makes sure that this process counts as living before anybody's freezes are expired. */
  async renew(): Promise<void> {
    await this.leases.renew(this.processId, ROLE, LEASE_MS);
    const nowMs = performance.now();
    if (nowMs - this.renewedMs > INTERRUPTION_MS && this.renewedMs > 0) this.backSinceMs = nowMs;
    this.renewedMs = nowMs;
  }

  /** How long ago this process reached the database again after an interruption; for ever when there was none. */
  get backForMs(): number {
    return performance.now() - this.backSinceMs;
  }

  /** A process that starts has waited for its database before; one connection that comes late does not end it. */
  private async begin(): Promise<void> {
    const untilMs = performance.now() + BEGIN_WITHIN_MS;
    for (;;) {
      try {
        return await this.renew();
      } catch (error) {
        if (!isUnavailable(error) || performance.now() > untilMs) throw error;
        await sleep(BEGIN_PAUSE_MS);
      }
    }
  }

  /** Renewed by a thread: an event loop that is held for a while must not cost a living process its freezes. */
  private keep(): void {
    const { processId } = this;
    const terms = { processId, role: ROLE, leaseMs: LEASE_MS, renewEveryMs: RENEW_EVERY_MS, heldMaxMs: HELD_MAX_MS };
    this.keeper.keep(terms);
  }

  private schedule(): void {
    this.timer = setTimeout(() => {
      this.running = this.tick().finally(() => {
        if (this.timer !== null) this.schedule();
      });
    }, TICK_MS).unref();
  }

  private async tick(): Promise<void> {
    this.keeper.tick();
    if (!this.keeper.isRunning) this.keep();
    try {
      if (performance.now() - this.renewedMs >= RENEW_EVERY_MS) await this.renew();
      if (this.givenUp.size > 0) await this.disown();
    } catch (error) {
      this.logger.warn({ error: String(error) }, 'the process lease could not be renewed');
    }
  }

  private async disown(): Promise<void> {
    const entries = [...this.givenUp.values()];
    await this.leases.disown(entries);
    const nowMs = performance.now();
    for (const { id, sinceMs } of entries) if (nowMs - sinceMs > GIVEN_UP_FOR_MS) this.givenUp.delete(id);
  }
}
