import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/index.js';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import { GuardedPoster } from '../platform/net/index.js';
import { appendCheckpoints } from './checkpoint-file.js';
import { publishedOf, type PublishedCheckpoint } from './domain/checkpoint.js';
import { SealRepository } from './persistence/seal.repository.js';

const FILE_BATCH_MAX = 500;
const WEBHOOK_BATCH_MAX = 100;
const WEBHOOK_TIMEOUT_MS = 5_000;
/** What a receiver does not take in this time is for the next run: sealing must not wait for it. */
const RUN_MAX_MS = 8_000;
/** Row of `gateway_setting` that says what the webhook has taken. */
const WEBHOOK_CURSOR = 'ledger_checkpoint_webhook';

/** Puts signed checkpoints down outside of the database, each at least once and in order. */
@Injectable()
export class CheckpointPublisher implements OnApplicationShutdown {
  private readonly poster: GuardedPoster;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly repository: SealRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.poster = new GuardedPoster({ allowPrivate: config.ALLOW_PRIVATE_UPSTREAMS });
  }

  /** Publishes what is new. A receiver that fails is tried again by the next run; it never stops the other one. */
  async publish(): Promise<void> {
    const { LEDGER_CHECKPOINT_FILE: file, LEDGER_CHECKPOINT_WEBHOOK_URL: url } = this.config;
    if (file !== undefined) await this.repeat('file', FILE_BATCH_MAX, () => this.toFile(file));
    if (url !== undefined) await this.repeat('webhook', WEBHOOK_BATCH_MAX, () => this.toWebhook(url));
  }

  private async repeat(receiver: string, batchMax: number, step: () => Promise<number>): Promise<void> {
    try {
      for (const endMs = performance.now() + RUN_MAX_MS; performance.now() < endMs;) {
        const count = await this.repository.alone('publish', step);
        if (count === null || count < batchMax) return;
      }
    } catch (error) {
      this.logger.error({ receiver, error: String(error) }, 'ledger checkpoints could not be published');
    }
  }

  /** The file itself says how far it goes, so each machine may have its own. */
  private toFile(file: string): Promise<number> {
    return appendCheckpoints(file, (after) => this.next(after, FILE_BATCH_MAX));
  }

  private async toWebhook(url: string): Promise<number> {
    const checkpoints = await this.next(await this.repository.cursor(WEBHOOK_CURSOR), WEBHOOK_BATCH_MAX);
    const last = checkpoints.at(-1);
    if (last === undefined) return 0;
    const headers = { 'content-type': 'application/json' };
    const post = { url, headers, body: JSON.stringify({ checkpoints }), timeoutMs: WEBHOOK_TIMEOUT_MS };
    const status = await this.poster.post(post);
    if (status < 200 || status > 299) throw new Error(`the webhook answered ${status}`);
    await this.repository.moveCursor(WEBHOOK_CURSOR, BigInt(last.number));
    return checkpoints.length;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.poster.close();
  }

  private async next(after: bigint, limit: number): Promise<PublishedCheckpoint[]> {
    return (await this.repository.checkpointsAfter(after, limit)).map(publishedOf);
  }
}
