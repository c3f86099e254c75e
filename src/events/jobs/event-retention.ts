import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Every } from '../../platform/clock/index.js';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import { EventRepository } from '../persistence/event.repository.js';

const CLEAN_EVERY_MS = 60_000;
/** Rows of one statement: short locks, and a shutdown never waits long. */
const DELETE_MAX = 1_000;
const DAY_MS = 86_400_000;

/** Deletes old events and their deliveries. Runs in every worker process. */
@Injectable()
export class EventRetention implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly rounds = new Every(
    CLEAN_EVERY_MS,
    () => this.clean(),
    (error) => this.logger.warn({ error: String(error) }, 'old events could not be deleted'),
  );

  constructor(
    private readonly events: EventRepository,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.WORKERS_ENABLED) this.rounds.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.rounds.stop();
  }

  /** One round. Safe in several processes at once. */
  async clean(): Promise<void> {
    const beforeMs = (await this.events.nowMs()) - this.config.EVENT_RETENTION_DAYS * DAY_MS;
    await this.rounds.repeat(() => this.events.forget(beforeMs, DELETE_MAX));
  }
}
