import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Every } from '../../platform/clock/index.js';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { requestIdFloor } from '../../platform/ids/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import { SettlementDesk } from '../../wallet/index.js';
import { SettlementRepository } from '../persistence/settlement.repository.js';

const CLEAN_EVERY_MS = 60_000;
/** Rows of one statement: short locks, and a shutdown never waits long. */
const DELETE_MAX = 5_000;
const DELETE_PACKS_MAX = 500;
const CHANGES_KEPT = 10_000;
const DAY_MS = 86_400_000;

/** Deletes rows that nobody reads any more: old traces, leases and change notices. Runs in every worker process. */
@Injectable()
export class Housekeeping implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly rounds = new Every(
    CLEAN_EVERY_MS,
    () => this.clean(),
    (error) => this.logger.warn({ error: String(error) }, 'old rows could not be deleted'),
  );

  constructor(
    private readonly desk: SettlementDesk,
    private readonly repository: SettlementRepository,
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
    await this.desk.deleteOldLeases();
    const floorMs = (await this.repository.nowMs()) - this.config.TRACE_RETENTION_DAYS * DAY_MS;
    await this.rounds.repeat(() => this.repository.deleteTraces(requestIdFloor(floorMs), DELETE_MAX));
    await this.rounds.repeat(() => this.repository.deleteTracePacks(Math.floor(floorMs / 1000), DELETE_PACKS_MAX));
    await this.rounds.repeat(() => this.repository.deleteChanges(CHANGES_KEPT, DELETE_MAX));
  }
}
