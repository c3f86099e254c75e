import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EventsModule } from '../events/index.js';
import { ADAPTERS, AdapterRegistry } from './adapters/adapter-registry.js';
import { ADAPTER_CLASSES } from './adapters/adapters.js';
import { AttemptMeter } from './attempt/attempt-meter.js';
import { AttemptRunner } from './attempt/attempt-runner.js';
import { ActiveProber } from './breaker/active-prober.js';
import { EndpointBreakers } from './breaker/endpoint-breakers.js';
import { EndpointEvents } from './breaker/endpoint-events.js';
import { OutageBoard } from './breaker/outage-board.js';
import { OutageNotes } from './breaker/outage-notes.js';
import { Failover } from './failover/failover.js';
import { RetryAfterTracker } from './failover/retry-after-tracker.js';
import { EndpointOutageEntity } from './persistence/endpoint-outage.entity.js';
import { EndpointOutageRepository } from './persistence/endpoint-outage.repository.js';
import { ProviderEntity } from './persistence/provider.entity.js';
import { ProviderRepository } from './persistence/provider.repository.js';
import { ProviderAdmin } from './provider.admin.js';
import { ProviderDirectory } from './provider.directory.js';
import { ProviderKeys } from './provider.keys.js';
import { ProviderProbe } from './provider.probe.js';
import { ProviderService } from './provider.service.js';
import { StreamRescuer } from './rescue/stream-rescuer.js';
import { TokenCounter } from './tokens/token-counter.js';
import { UpstreamPools } from './transport/upstream-pools.js';

@Module({
  imports: [EventsModule, TypeOrmModule.forFeature([ProviderEntity, EndpointOutageEntity])],
  providers: [
    ActiveProber,
    AdapterRegistry,
    AttemptMeter,
    AttemptRunner,
    EndpointBreakers,
    EndpointEvents,
    EndpointOutageRepository,
    Failover,
    OutageBoard,
    OutageNotes,
    RetryAfterTracker,
    ProviderAdmin,
    ProviderDirectory,
    ProviderKeys,
    ProviderProbe,
    ProviderRepository,
    ProviderService,
    StreamRescuer,
    TokenCounter,
    UpstreamPools,
    ...Object.values(ADAPTER_CLASSES),
    {
      provide: ADAPTERS,
      inject: Object.values(ADAPTER_CLASSES),
      useFactory: (...adapters: readonly unknown[]) => adapters,
    },
  ],
  exports: [EndpointEvents, ProviderService, ProviderAdmin, TokenCounter],
})
export class ProviderModule {}
