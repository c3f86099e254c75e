import { Module } from '@nestjs/common';
import { PolicyModule, PolicyService } from '../../policy/index.js';
import { ProviderAdmin, ProviderModule, ProviderService } from '../../provider/index.js';
import { EndpointService, ModelService, PriceService, RouterModule } from '../../router/index.js';
import { EndpointsController } from '../models/endpoints.controller.js';
import { ModelsController } from '../models/models.controller.js';
import { PricesController } from '../models/prices.controller.js';
import { PoolLockRepository } from '../persistence/pool-lock.repository.js';
import { WriteJournalRepository } from '../persistence/write-journal.repository.js';
import { PoliciesController } from '../policies/policies.controller.js';
import { ProvidersController } from '../providers/providers.controller.js';
import { PoolApply } from './pool-apply.service.js';
import { PoolEndpoints } from './pool-endpoints.js';
import { PoolModels } from './pool-models.js';
import { PoolPolicies } from './pool-policies.js';
import { PoolPrices } from './pool-prices.js';
import { PoolProviders } from './pool-providers.js';
import { PoolSteps } from './pool-steps.js';

/** The operations of the door, without the door: no route, guard or interceptor, only what they do. */
const OPERATIONS = [
  {
    provide: ProvidersController,
    inject: [ProviderAdmin],
    useFactory: (...parts: ConstructorParameters<typeof ProvidersController>) => new ProvidersController(...parts),
  },
  {
    provide: ModelsController,
    inject: [ModelService],
    useFactory: (...parts: ConstructorParameters<typeof ModelsController>) => new ModelsController(...parts),
  },
  {
    provide: EndpointsController,
    inject: [EndpointService, ProviderService],
    useFactory: (...parts: ConstructorParameters<typeof EndpointsController>) => new EndpointsController(...parts),
  },
  {
    provide: PricesController,
    inject: [PriceService],
    useFactory: (...parts: ConstructorParameters<typeof PricesController>) => new PricesController(...parts),
  },
  {
    provide: PoliciesController,
    inject: [PolicyService],
    useFactory: (...parts: ConstructorParameters<typeof PoliciesController>) => new PoliciesController(...parts),
  },
];

/** The pool as a file. */
@Module({
  imports: [PolicyModule, ProviderModule, RouterModule],
  providers: [
    ...OPERATIONS,
    PoolLockRepository,
    WriteJournalRepository,
    PoolApply,
    PoolEndpoints,
    PoolModels,
    PoolPolicies,
    PoolPrices,
    PoolProviders,
    PoolSteps,
  ],
  exports: [PoolApply],
})
export class PoolModule {}
