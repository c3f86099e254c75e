import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { AuthModule } from '../auth/index.js';
import { QueueModule } from '../platform/queue/index.js';
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
  imports: [TerminusModule.forRoot({ logger: false }), AuthModule, QueueModule, WalletModule],
  controllers: [HealthController, MetricsController],
  providers: [Dependencies, Gauges, HealthService, MeasuredGauges, ServingState],
  exports: [ServingState],
})
export class HealthModule {}
