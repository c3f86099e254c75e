import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Every } from '../../platform/clock/index.js';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import { Counter, METRICS, type Registry } from '../../platform/metrics/index.js';
import { messageOf } from '../domain/message.js';
import { waitAfterMs } from '../domain/retry.js';
import { DeliveryRepository, type AttemptResult, type ClaimedDelivery } from '../persistence/delivery.repository.js';
import { ATTEMPT_TIMEOUT_MS, WebhookSender } from '../webhook-sender.js';

const LOOK_EVERY_MS = 1_000;
/** Attempts of one webhook that this process makes at once: one that is dead takes no more than these. */
const PER_WEBHOOK_MAX = 4;
/** A claim outlives its attempt by far; after it the process that had made it is taken for dead. */
const LEASE_MS = 3 * ATTEMPT_TIMEOUT_MS;

type Result = 'delivered' | 'retry' | 'failed';

/**
 * Brings events to webhooks, in every worker process. By a timer over rows that were written with their events: it needs no
 * queue, loses nothing when it is killed, and holds no transaction while it waits for a receiver.
 */
@Injectable()
export class Courier implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly end = new AbortController();
  private readonly running = new Map<ClaimedDelivery, Promise<void>>();
  private readonly results: Counter<'result'>;
  private readonly rounds = new Every(
    LOOK_EVERY_MS,
    () => this.look(),
    (error) => this.logger.warn({ error: String(error) }, 'webhook deliveries could not be looked up'),
  );
  private looking: Promise<void> | null = null;

  constructor(
    private readonly deliveries: DeliveryRepository,
    private readonly sender: WebhookSender,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METRICS) metrics: Registry,
  ) {
    this.results = new Counter({
      name: 'gateway_webhook_deliveries_total',
      help: 'Attempts to deliver an event: delivered, to be tried again (retry), or given up (failed).',
      labelNames: ['result'],
      registers: [metrics],
    });
    for (const result of ['delivered', 'retry', 'failed'] as const) this.results.inc({ result }, 0);
  }

  onApplicationBootstrap(): void {
    if (this.config.WORKERS_ENABLED) this.rounds.start();
  }

  /** What is on its way is broken off and left to another process, or to the next start. */
  async beforeApplicationShutdown(): Promise<void> {
    this.end.abort();
    await this.rounds.stop();
    await this.idle();
  }

  /** Starts what is due, as far as there is room. @returns without waiting for receivers. */
  look(): Promise<void> {
    this.looking ??= this.start().finally(() => (this.looking = null));
    return this.looking;
  }

  /** @returns when nothing is due any more, and nothing of this process on its way. */
  async idle(): Promise<void> {
    while (this.running.size > 0 || this.looking !== null) {
      await this.looking?.catch(() => undefined);
      await Promise.all(this.running.values());
    }
  }

  private async start(): Promise<void> {
    if (this.end.signal.aborted) return;
    const counts = new Map<string, number>();
    for (const { webhookId } of this.running.keys()) counts.set(webhookId, (counts.get(webhookId) ?? 0) + 1);
    const claimed = await this.deliveries.claim(counts, PER_WEBHOOK_MAX, LEASE_MS);
    for (const delivery of claimed) this.running.set(delivery, this.deliver(delivery));
  }

  /** A claim whose end cannot be written down is over by itself: the receiver may then get the event again. */
  private async deliver(delivery: ClaimedDelivery): Promise<void> {
    try {
      const { url, id, secrets } = delivery;
      const result = await this.sender.send({ url, id, body: messageOf(delivery), secrets }, this.end.signal);
      if (this.end.signal.aborted && result.error === 'cancelled') await this.deliveries.handBack(delivery);
      else await this.record(delivery, result);
    } catch (error) {
      this.logger.warn({ error: String(error), event_id: delivery.id }, 'a webhook delivery could not be recorded');
    } finally {
      this.running.delete(delivery);
    }
    // There is room again; what this finds out about the database the next round says.
    if (!this.end.signal.aborted) void this.look().catch(() => undefined);
  }

  private async record(delivery: ClaimedDelivery, result: AttemptResult): Promise<void> {
    if (result.error === null) {
      await this.deliveries.delivered(delivery, result);
      return this.results.inc({ result: 'delivered' });
    }
    const waitMs = waitAfterMs(delivery.attempts, Math.random());
    await this.deliveries.missed(delivery, result, waitMs);
    const outcome: Result = waitMs === null ? 'failed' : 'retry';
    this.results.inc({ result: outcome });
    const facts = { webhook_id: delivery.webhookId, event_id: delivery.id, attempts: delivery.attempts };
    this.logger.warn({ ...facts, error: result.error, result: outcome }, 'a webhook did not take an event');
  }
}
