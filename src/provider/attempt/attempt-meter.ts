import { Inject, Injectable } from '@nestjs/common';
import {
  Gauge,
  histogramFamily,
  METRICS,
  type Family,
  type HistogramSeries,
  type Registry,
} from '../../platform/metrics/index.js';
import { EndpointBreakers } from '../breaker/endpoint-breakers.js';
import type { Attempt } from '../domain/call.js';

/** Counts and times the attempts at providers. */
@Injectable()
export class AttemptMeter {
  private readonly seconds: Family<HistogramSeries>;

  constructor(@Inject(METRICS) metrics: Registry, breakers: EndpointBreakers) {
    this.seconds = histogramFamily({
      name: 'provider_attempt_seconds',
      help: 'Attempts at providers from their start to their end, by result: ok, or the class of the failure.',
      labelNames: ['provider', 'result'],
      buckets: [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registry: metrics,
    });
    new Gauge({
      name: 'provider_breakers_open',
      help: 'Endpoints that this process leaves alone or is probing.',
      registers: [metrics],
      collect() {
        this.set(breakers.openCount);
      },
    });
  }

  /** An attempt has ended. */
  observe({ provider, failure, durationMs }: Attempt): void {
    this.seconds.of(provider, failure ?? 'ok').observe(durationMs / 1000);
  }
}
