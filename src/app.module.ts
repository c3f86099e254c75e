import { Module, type DynamicModule } from '@nestjs/common';
import { AdminModule, adminErrorDoor, PoolModule, SeedModule } from './admin/index.js';
import { AnalyticsModule } from './analytics/index.js';
import { KeyExpiryModule } from './auth/index.js';
import { BillingModule } from './billing/index.js';
import { catalogErrorDoor, GatewayModule, openAiErrorDoor } from './gateway/index.js';
import { HealthModule } from './health/index.js';
import type { Config } from './platform/config/index.js';
import { PlatformModule } from './platform/platform.module.js';
import { ReconciliationModule } from './reconciliation/index.js';

/** What a process is there for: `gateway` serves HTTP (and settles unless told not to), `worker` only settles. */
export type ProcessRole = 'gateway' | 'worker';

/** The composition root: which doors a process opens. */
@Module({})
export class AppModule {
  static forRoot(config: Config, role: ProcessRole): DynamicModule {
    const doors = [
      GatewayModule.register([openAiErrorDoor, catalogErrorDoor, adminErrorDoor]),
      AdminModule,
      SeedModule,
      PoolModule,
      HealthModule.forRoot(config),
    ];
    return {
      module: AppModule,
      imports: [
        PlatformModule.forRoot(config, role),
        BillingModule,
        AnalyticsModule,
        KeyExpiryModule,
        ReconciliationModule,
        ...(role === 'gateway' ? doors : []),
      ],
    };
  }
}
