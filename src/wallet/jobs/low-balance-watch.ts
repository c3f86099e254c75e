import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Every } from '../../platform/clock/index.js';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import { LowBalanceService } from '../low-balance.service.js';

const LOOK_EVERY_MS = 5_000;
/** With very many thresholds a look takes longer; then it comes less often, so that it costs the database little. */
const REST_FACTOR = 10;
const REST_MAX_MS = 30_000;

/** Looks for wallets that run low, in every worker process. */
@Injectable()
export class LowBalanceWatch implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly rounds = new Every(
    LOOK_EVERY_MS,
    (ending) => this.look(ending),
    (error) => this.logger.warn({ error: String(error) }, 'wallets that run low could not be looked for'),
  );

  constructor(
    private readonly balances: LowBalanceService,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.WORKERS_ENABLED) this.rounds.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.rounds.stop();
  }

  private async look(ending: AbortSignal): Promise<void> {
    const startedMs = performance.now();
    await this.balances.look();
    const restMs = Math.min((performance.now() - startedMs) * REST_FACTOR, REST_MAX_MS);
    await delay(restMs, undefined, { signal: ending, ref: false }).catch(() => undefined);
  }
}
