import { Injectable } from '@nestjs/common';
import { PoolModels } from './pool-models.js';
import { PoolPolicies } from './pool-policies.js';
import { PoolProviders } from './pool-providers.js';
import type { PoolRun } from './pool-run.js';

/** What a file declares, in the order in which one needs the other. */
@Injectable()
export class PoolSteps {
  constructor(
    private readonly providers: PoolProviders,
    private readonly policies: PoolPolicies,
    private readonly models: PoolModels,
  ) {}

  async take(run: PoolRun): Promise<void> {
    const providers = await this.providers.apply(run);
    await this.policies.apply(run);
    await this.models.apply(run, providers);
  }
}
