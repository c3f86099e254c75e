import { Module, type DynamicModule } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { AuthModule } from '../auth/index.js';
import { EventsModule } from '../events/index.js';
import type { Config } from '../platform/config/index.js';
import { QueueModule } from '../platform/queue/index.js';
import { PolicyModule } from '../policy/index.js';
import { Dependencies } from './dependencies.js';
import { WalletModule } from '../wallet/index.js';
import { Gauges } from './gauges.js';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { MeasuredGauges } from './measured-gauges.js';
import { MetricsController } from './metrics.controller.js';
import { ServingState } from './serving-state.js';

/** Door 3: probes and metrics. */
@Module({
  imports: [
    TerminusModule.forRoot({ logger: false }),
    AuthModule,
    EventsModule,
    PolicyModule,
    QueueModule,
    WalletModule,
  ],
  controllers: [HealthController],
  providers: [Dependencies, Gauges, HealthService, MeasuredGauges, ServingState],
  exports: [ServingState],
})
export class HealthModule {
  /** Metrics with a port of their own are not on this one. */
  static forRoot({ METRICS_PORT }: Pick<Config, 'METRICS_PORT'>): DynamicModule {
    return { module: HealthModule, controllers: METRICS_PORT === undefined ? [MetricsController] : [] };
  }
}
