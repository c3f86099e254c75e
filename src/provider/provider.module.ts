import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ADAPTERS, AdapterRegistry } from './adapters/adapter-registry.js';
import { AnthropicAdapter } from './adapters/anthropic/anthropic.adapter.js';
import { GeminiAdapter } from './adapters/gemini/gemini.adapter.js';
import { OpenAiAdapter } from './adapters/openai/openai.adapter.js';
import { SandboxAdapter } from './adapters/sandbox/sandbox.adapter.js';
import { AttemptMeter } from './attempt/attempt-meter.js';
import { AttemptRunner } from './attempt/attempt-runner.js';
import { ActiveProber } from './breaker/active-prober.js';
import { EndpointBreakers } from './breaker/endpoint-breakers.js';
import { EndpointEvents } from './breaker/endpoint-events.js';
import { OutageBoard } from './breaker/outage-board.js';
import { Failover } from './failover/failover.js';
import { Patience } from './failover/patience.js';
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
  imports: [TypeOrmModule.forFeature([ProviderEntity, EndpointOutageEntity])],
  providers: [
    ActiveProber,
    AdapterRegistry,
    AnthropicAdapter,
    AttemptMeter,
    AttemptRunner,
    EndpointBreakers,
    EndpointEvents,
    EndpointOutageRepository,
    Failover,
    GeminiAdapter,
    OpenAiAdapter,
    OutageBoard,
    Patience,
    ProviderAdmin,
    ProviderDirectory,
    ProviderKeys,
    ProviderProbe,
    ProviderRepository,
    ProviderService,
    SandboxAdapter,
    StreamRescuer,
    TokenCounter,
    UpstreamPools,
    // A new vendor is a folder under adapters/ and a name in this list.
    {
      provide: ADAPTERS,
      inject: [OpenAiAdapter, AnthropicAdapter, GeminiAdapter, SandboxAdapter],
      useFactory: (...adapters: readonly unknown[]) => adapters,
    },
  ],
  exports: [EndpointEvents, ProviderService, ProviderAdmin, TokenCounter],
})
export class ProviderModule {}
