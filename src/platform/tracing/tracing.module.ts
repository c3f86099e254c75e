import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { NO_TRACING, TRACING, type Tracing } from './tracing.js';

/** Loaded only where it is used: without a collector a start pays nothing for it. */
async function tracingOf({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SERVICE_NAME: name }: Config): Promise<Tracing> {
  if (endpoint === undefined) return NO_TRACING;
  const { otlpTracing } = await import('./otlp-tracing.js');
  return otlpTracing(endpoint, name);
}

@Module({ providers: [{ provide: TRACING, inject: [CONFIG], useFactory: tracingOf }], exports: [TRACING] })
export class TracingModule implements OnApplicationShutdown {
  constructor(@Inject(TRACING) private readonly tracing: Tracing) {}

  onApplicationShutdown(): Promise<void> {
    return this.tracing.close();
  }
}
