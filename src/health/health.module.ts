import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { AuthModule } from '../auth/index.js';
import { QueueModule } from '../platform/queue/index.js';
import { Dependencies } from './dependencies.js';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { MetricsController } from './metrics.controller.js';
import { ServingState } from './serving-state.js';

/** Door 3: probes and metrics. */
@Module({
  imports: [TerminusModule.forRoot({ logger: false }), AuthModule, QueueModule],
  controllers: [HealthController, MetricsController],
  providers: [Dependencies, HealthService, ServingState],
  exports: [ServingState],
})
export class HealthModule {}
