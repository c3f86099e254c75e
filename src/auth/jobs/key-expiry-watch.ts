import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { EventLog } from '../../events/index.js';
import { Every } from '../../platform/clock/index.js';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import { keyDisabled } from '../key-events.js';
import { KeyExpiryRepository, type ExpiredKey } from '../persistence/key-expiry.repository.js';

const LOOK_EVERY_MS = 5_000;
/** Of one look, newest first: those before them were told of by earlier looks. */
const KEYS_MAX = 5_000;

/**
 * Raises an event for each key whose time is over, once for each end that it was given. Runs in every worker process; keys
 * that ended more than a day before a worker looks are left out.
 */
@Injectable()
export class KeyExpiryWatch implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly rounds = new Every(
    LOOK_EVERY_MS,
    () => this.look(),
    (error) => this.logger.warn({ error: String(error) }, 'expired keys could not be looked for'),
  );

  constructor(
    private readonly keys: KeyExpiryRepository,
    private readonly events: EventLog,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.WORKERS_ENABLED) this.rounds.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.rounds.stop();
  }

  /** One round. */
  async look(): Promise<void> {
    const keys = await this.keys.expired(KEYS_MAX);
    await this.events.raise(keys.map((key) => ({ ...eventOf(key), onceKey: onceKeyOf(key) })));
  }
}

function eventOf(key: ExpiredKey): ReturnType<typeof keyDisabled> {
  return keyDisabled(key, 'expired', { expires_at: key.expiresAt.toISOString() });
}

function onceKeyOf({ id, expiresAt }: ExpiredKey): string {
  return `key_expired:${id}:${expiresAt.getTime()}`;
}
