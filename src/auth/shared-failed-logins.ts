import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Every } from '../platform/clock/index.js';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import { FailedLogins, FAILURES_WINDOW_MS } from './failed-logins.js';
import { FailedLoginRepository } from './persistence/failed-login.repository.js';

const SHARE_EVERY_MS = 1_000;
/** Addresses of one statement; those with the most refusals go first. */
const BATCH_MAX = 500;
const FORGET_EVERY_ROUNDS = 30;
const FORGOTTEN_MAX = 20_000;

/**
 * Adds this process's counts of refused credentials to those of the others once a second, in the background, and takes over the
 * totals. A process without refusals asks nothing. When the database is away each process goes on by its own counts.
 */
@Injectable()
export class SharedFailedLogins implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly rounds: Every;
  private roundsUntilForget = FORGET_EVERY_ROUNDS;

  constructor(
    private readonly failures: FailedLogins,
    private readonly repository: FailedLoginRepository,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.rounds = new Every(
      SHARE_EVERY_MS,
      () => this.share(),
      (error) => logger.warn({ error: String(error) }, 'refused credentials could not be counted together'),
    );
  }

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds.stop();
  }

  /** One round. What could not be added is added with the next one. */
  async share(): Promise<void> {
    const counted = this.failures.takeUnshared(BATCH_MAX);
    if (counted.length === 0) return;
    try {
      this.failures.learn(await this.repository.add(counted, FAILURES_WINDOW_MS));
    } catch (error) {
      this.failures.putBack(counted);
      throw error;
    }
    this.roundsUntilForget -= 1;
    if (this.roundsUntilForget > 0) return;
    this.roundsUntilForget = FORGET_EVERY_ROUNDS;
    await this.repository.forget(FAILURES_WINDOW_MS, FORGOTTEN_MAX);
  }
}
