import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ProviderModule } from '../provider/index.js';
import { AutoRouter } from './auto-router.js';
import { ChoiceMix } from './choice-mix.js';
import { EndpointService } from './endpoint.service.js';
import { EndpointSpeeds } from './endpoint-speeds.js';
import { GainScorer } from './gain/gain-scorer.js';
import { HiddenOutputs } from './hidden-outputs.js';
import { ModelService } from './model.service.js';
import { ModelEndpointEntity } from './persistence/model-endpoint.entity.js';
import { ModelEntity, ModelPriceEntity } from './persistence/model.entity.js';
import { ModelRepository } from './persistence/model.repository.js';
import { PoolReader } from './persistence/pool.reader.js';
import { RoutingSessionEntity } from './persistence/routing-session.entity.js';
import { RoutingSessionRepository } from './persistence/routing-session.repository.js';
import { RoutingSumEntity } from './persistence/routing-sum.entity.js';
import { RoutingSumRepository } from './persistence/routing-sum.repository.js';
import { TierRateEntity } from './persistence/tier-rate.entity.js';
import { PoolKeeper } from './pool-keeper.js';
import { PriceService } from './price.service.js';
import { RouterService } from './router.service.js';
import { RoutingSums } from './routing-sums.js';
import { SessionModels } from './session-models.js';
import { TierRateService } from './tier-rate.service.js';

/** The model pool: what can be called, at what price, through which endpoints; and the choice for one request. */
@Module({
  imports: [
    TypeOrmModule.forFeature([
      ModelEntity,
      ModelPriceEntity,
      ModelEndpointEntity,
      TierRateEntity,
      RoutingSumEntity,
      RoutingSessionEntity,
    ]),
    ProviderModule,
  ],
  providers: [
    PoolReader,
    ModelRepository,
    PoolKeeper,
    EndpointSpeeds,
    ChoiceMix,
    RoutingSumRepository,
    RoutingSessionRepository,
    SessionModels,
    RoutingSums,
    { provide: GainScorer, useFactory: () => new GainScorer() },
    AutoRouter,
    HiddenOutputs,
    RouterService,
    ModelService,
    PriceService,
    EndpointService,
    TierRateService,
  ],
  exports: [
    RouterService,
    HiddenOutputs,
    EndpointSpeeds,
    RoutingSums,
    ModelService,
    PriceService,
    EndpointService,
    TierRateService,
  ],
})
export class RouterModule {}
