import { Injectable } from '@nestjs/common';
import type { Tier } from '../wallet/index.js';
import { newTierRateSchema, type NewTierRate } from './domain/inputs.js';
import type { TierRate } from './domain/tier-rate.js';
import { ModelRepository } from './persistence/model.repository.js';
import { PoolReader } from './persistence/pool.reader.js';
import { checked } from './validation.js';

/** What credits cost, for the administration. */
@Injectable()
export class TierRateService {
  constructor(
    private readonly repository: ModelRepository,
    private readonly reader: PoolReader,
  ) {}

  /** Every version of every tier, by tier and version. */
  async history(): Promise<readonly TierRate[]> {
    return this.reader.tierRates();
  }

  /** The rates in force, one a tier that has any. */
  async list(): Promise<readonly TierRate[]> {
    const inForce = new Map((await this.reader.tierRates()).map((rate) => [rate.tier, rate]));
    return [...inForce.values()].sort((left, right) => left.sortOrder - right.sortOrder);
  }

  /**
   * Adds a version, in force from the commit on; running requests keep the rate of their freeze.
   * @throws AppError `unprocessable` (`invalid_field`).
   */
  async addVersion(tier: Tier, input: NewTierRate): Promise<TierRate> {
    const fields = checked(newTierRateSchema, input);
    const version = await this.repository.inTransaction(async (transaction) => {
      await this.repository.lockTierRates(transaction, tier);
      const latest = await this.repository.latestTierRate(transaction, tier);
      const next = (latest?.version ?? 0) + 1;
      await this.repository.insertTierRate(transaction, {
        tier,
        version: next,
        name: fields.name ?? latest?.name ?? tier,
        description: fields.description ?? latest?.description ?? '',
        usdPerCredit: fields.usdPerCredit,
        sortOrder: fields.sortOrder ?? latest?.sortOrder ?? 0,
      });
      return next;
    });
    const stored = (await this.reader.tierRates()).find((rate) => rate.tier === tier && rate.version === version);
    if (stored === undefined) throw new Error('the new tier rate cannot be read back');
    return stored;
  }
}
