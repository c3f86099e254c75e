import { Injectable } from '@nestjs/common';
import { ChangeFeed } from '../../platform/changes/index.js';
import { ProviderAdmin, type ProviderView } from '../../provider/index.js';
import { EndpointService, ModelService, RouterService } from '../../router/index.js';
import { newEndpointOf, newModelOf, type PoolEntry } from './pool-entry.js';

export interface SeedProvider {
  name: string;
  adapter: string;
  baseUrl: string;
  apiKey?: string;
}

/** Puts a provider and its models into the pool. What is there already belongs to the operator and stays as it is. */
@Injectable()
export class PoolSeed {
  constructor(
    private readonly providers: ProviderAdmin,
    private readonly models: ModelService,
    private readonly endpoints: EndpointService,
    private readonly router: RouterService,
    private readonly changes: ChangeFeed,
  ) {}

  /**
   * Adds the provider and every model that is missing; key and base URL of a provider that is there are brought up to date.
   * @throws AppError `unprocessable` when the base URL is refused.
   */
  async ensure(provider: SeedProvider, pool: readonly PoolEntry[]): Promise<void> {
    await this.changes.catchUp();
    const { id } = await this.provider(provider);
    for (const entry of pool) {
      const known = this.router.findModel(entry.modelKey);
      if (known !== null && known.endpoints.length > 0) continue;
      const model = known ?? (await this.models.create(newModelOf(entry, this.router.usdPerCredit(entry.tier))));
      await this.endpoints.create(model.id, newEndpointOf(entry, id));
    }
  }

  private async provider(wanted: SeedProvider): Promise<ProviderView> {
    const found = await this.providers.findByName(wanted.name);
    if (found === null) return this.providers.create(wanted);
    const { baseUrl, apiKey } = wanted;
    // A vendor key in the environment is applied at every start: it may have been rotated.
    if (apiKey === undefined && found.baseUrl === baseUrl) return found;
    return this.providers.patch(found.id, { baseUrl, apiKey });
  }
}
