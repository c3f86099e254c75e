import { Global, Module, type DynamicModule } from '@nestjs/common';
import { ChangeFeed } from './changes/index.js';
import { Clock } from './clock/index.js';
import { CONFIG, type Config } from './config/index.js';
import { DatabaseModule } from './database/index.js';
import { createLogger, LOGGER } from './logging/index.js';
import { createMetrics, METRICS } from './metrics/index.js';
import { SealedStores, SecretBox } from './secrets/index.js';
import { SigningKeys } from './signing/index.js';
import { TracingModule } from './tracing/index.js';

/** The ground floor: configuration, clock, logger, metrics, secrets, signing keys, database and the change feed, for every module. */
@Global()
@Module({})
export class PlatformModule {
  /** @param role shown in every log line: `gateway` or `worker`. */
  static forRoot(config: Config, role: string): DynamicModule {
    return {
      module: PlatformModule,
      imports: [DatabaseModule, TracingModule],
      providers: [
        Clock,
        ChangeFeed,
        SealedStores,
        SecretBox,
        { provide: CONFIG, useValue: config },
        { provide: LOGGER, useFactory: () => createLogger(config, role) },
        { provide: METRICS, useFactory: createMetrics },
        { provide: SigningKeys, useFactory: () => new SigningKeys(config) },
      ],
      exports: [Clock, ChangeFeed, CONFIG, LOGGER, METRICS, SealedStores, SecretBox, SigningKeys, TracingModule],
    };
  }
}
