import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import { KeyRepository } from './persistence/key.repository.js';

const FLUSH_INTERVAL_MS = 5_000;
/** Distinct keys that wait for one flush; beyond it uses are forgotten, which only makes `last_used_at` older. */
const WAITING_MAX = 50_000;

/** Remembers when keys were used and writes it in the background, one statement every few seconds. */
@Injectable()
export class KeyLastUse implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private waiting = new Map<string, number>();
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly keys: KeyRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Never waits and never fails. */
  note(keyId: string, usedAtMs: number): void {
    if (this.waiting.size < WAITING_MAX || this.waiting.has(keyId)) this.waiting.set(keyId, usedAtMs);
  }

  /** Writes what waits; what could not be written waits for the next time. */
  async flush(): Promise<void> {
    this.running = this.running.then(() => this.write());
    return this.running;
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.flush(), FLUSH_INTERVAL_MS);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    await this.flush();
  }

  private async write(): Promise<void> {
    if (this.waiting.size === 0) return;
    const batch = this.waiting;
    this.waiting = new Map();
    try {
      await this.keys.recordLastUses(batch);
    } catch (error) {
      this.logger.warn({ error: String(error), keys: batch.size }, 'last uses of api keys could not be written');
      for (const [keyId, usedAtMs] of batch) if (!this.waiting.has(keyId)) this.note(keyId, usedAtMs);
    }
  }
}
