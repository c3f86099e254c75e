import { Injectable } from '@nestjs/common';
import { ChangeFeed } from '../platform/changes/index.js';
import { Pool } from './domain/pool.js';
import { PoolReader } from './persistence/pool.reader.js';
import { poolNotLoaded } from './router.errors.js';

const UUID_PATTERN = /^[0-9a-f-]{36}$/;

/**
 * Keeps the pool of this process equal to the database. Providers belong to another module, but an endpoint carries
 * its provider's name and address, so a changed provider means reading its models again.
 */
@Injectable()
export class PoolKeeper {
  private pool: Pool | null = null;
  /** Reloads run one after the other: an older read must never replace a newer one. */
  private reloads: Promise<void> = Promise.resolve();

  constructor(
    feed: ChangeFeed,
    private readonly reader: PoolReader,
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

  /** @throws AppError `routing` before the first load. */
  current(): Pool {
    if (this.pool === null) throw poolNotLoaded();
    return this.pool;
  }

  private async readAll(): Promise<void> {
    const [models, rates] = [await this.reader.all(), await this.reader.tierRates()];
    this.pool = new Pool(models, rates);
  }

  private async readModels(ids: readonly string[]): Promise<void> {
    const wanted = ids.filter((id) => UUID_PATTERN.test(id));
    if (this.pool === null || wanted.length === 0) return;
    this.pool = this.pool.withModels(wanted, await this.reader.byIds(wanted));
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
