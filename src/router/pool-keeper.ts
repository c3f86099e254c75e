import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { ChangeFeed } from '../platform/changes/index.js';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import type { ModelRecord } from './domain/model.js';
import { Pool } from './domain/pool.js';
import { PoolReader } from './persistence/pool.reader.js';
import { poolNotLoaded } from './router.errors.js';

const UUID_PATTERN = /^[0-9a-f-]{36}$/;

/** Longest wait of one timer; a price that comes later is waited for again. */
const TIMER_MAX_MS = 3_600_000;
/** Between two tries to read a price that has come into force. */
const RETRY_MS = 500;

/**
 * Keeps the pool of this process equal to the database. Providers belong to another module, but an endpoint carries
 * its provider's name and address, so a changed provider means reading its models again. A scheduled price changes nothing
 * in the database when its time comes: each process waits for the next one by itself and reads its models again.
 */
@Injectable()
export class PoolKeeper implements BeforeApplicationShutdown {
  private pool: Pool | null = null;
  private nextPrice: NodeJS.Timeout | null = null;
  private isStopped = false;
  /** When the next price of a model is in force, on the monotonic clock of this process. */
  private readonly nextPriceAtMs = new Map<string, number>();
  /** Reloads run one after the other: an older read must never replace a newer one. */
  private reloads: Promise<void> = Promise.resolve();

  constructor(
    feed: ChangeFeed,
    private readonly reader: PoolReader,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    const reloadAll = (): Promise<void> => this.inTurn(() => this.readAll());
    feed.register('model', { reloadAll, reload: (ids) => this.inTurn(() => this.readModels(ids)) });
    // The first load is that of `model`; these two only follow changes.
    feed.register('provider', {
      reloadAll: async () => undefined,
      reload: (ids) => this.inTurn(() => this.readModelsOf(ids)),
    });
    feed.register('tier_rate', {
      reloadAll: async () => undefined,
      reload: () => this.inTurn(() => this.readTierRates()),
    });
  }

  beforeApplicationShutdown(): void {
    this.isStopped = true;
    if (this.nextPrice !== null) clearTimeout(this.nextPrice);
  }

  /** @throws AppError `routing` before the first load. */
  current(): Pool {
    if (this.pool === null) throw poolNotLoaded();
    return this.pool;
  }

  private async readAll(): Promise<void> {
    const [models, rates] = [await this.reader.all(), await this.reader.tierRates()];
    this.pool = new Pool(models, rates);
    this.nextPriceAtMs.clear();
    this.awaitPrices(models);
  }

  private async readModels(ids: readonly string[]): Promise<void> {
    const wanted = ids.filter((id) => UUID_PATTERN.test(id));
    if (this.pool === null || wanted.length === 0) return;
    const models = await this.reader.byIds(wanted);
    this.pool = this.pool.withModels(wanted, models);
    for (const id of wanted) this.nextPriceAtMs.delete(id);
    this.awaitPrices(models);
  }

  private awaitPrices(models: readonly ModelRecord[]): void {
    const nowMs = performance.now();
    for (const { id, nextPriceInMs } of models)
      if (nextPriceInMs !== null) this.nextPriceAtMs.set(id, nowMs + nextPriceInMs);
    const nextAtMs = Math.min(...this.nextPriceAtMs.values());
    this.wakeIn(nextAtMs - nowMs);
  }

  private wakeIn(delayMs: number): void {
    if (this.nextPrice !== null) clearTimeout(this.nextPrice);
    this.nextPrice = null;
    if (this.isStopped || this.nextPriceAtMs.size === 0) return;
    // One millisecond more: timers may fire a fraction early, and then the price would not be in force yet.
    const waitMs = Math.min(Math.max(0, delayMs) + 1, TIMER_MAX_MS);
    this.nextPrice = setTimeout(() => void this.readDuePrices(), waitMs).unref();
  }

  private async readDuePrices(): Promise<void> {
    const nowMs = performance.now();
    const due = [...this.nextPriceAtMs].filter(([, atMs]) => atMs <= nowMs).map(([id]) => id);
    try {
      if (due.length > 0) await this.inTurn(() => this.readModels(due));
      else this.awaitPrices([]);
    } catch (error) {
      this.logger.warn({ error: String(error) }, 'a scheduled price could not be read');
      this.wakeIn(RETRY_MS);
    }
  }

  private async readModelsOf(providerIds: readonly string[]): Promise<void> {
    const models = this.pool?.models() ?? [];
    const touched = models.filter((model) =>
      model.endpoints.some(({ providerId }) => providerIds.includes(providerId)),
    );
    await this.readModels(touched.map(({ id }) => id));
  }

  private async readTierRates(): Promise<void> {
    if (this.pool !== null) this.pool = this.pool.withTierRates(await this.reader.tierRates());
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const run = this.reloads.then(work);
    this.reloads = run.catch(() => undefined);
    return run;
  }
}
