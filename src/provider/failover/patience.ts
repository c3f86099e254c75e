import { Inject, Injectable } from '@nestjs/common';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import { EndpointEvents, placeOf } from '../breaker/endpoint-events.js';
import type { LearnedOutage } from '../breaker/endpoint-breakers.js';
import type { Endpoint } from '../domain/endpoint.js';

/** However long an upstream asks for, it is asked again after an hour: somebody may have raised the limit. */
const PATIENCE_MS_MAX = 3_600_000;

/** Less is over before another process could act on it. */
const WORTH_TELLING_MS = 1_500;

interface Limit {
  untilMs: number;
  providerId: string;
  place: string;
}

/** Remembers which endpoints asked to be left alone (`Retry-After`); until then they are not called, if at all, last. */
@Injectable()
export class Patience {
  private readonly limits = new Map<string, Limit>();

  constructor(
    private readonly events: EndpointEvents,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** An endpoint answered with a `Retry-After`; without one nothing is known and nothing remembered. */
  note(endpoint: Endpoint, retryAfterS: number | null, reason: string): void {
    if (retryAfterS === null) return;
    const { id, providerId, providerName } = endpoint;
    const forMs = Math.min(PATIENCE_MS_MAX, retryAfterS * 1000);
    const untilMs = performance.now() + forMs;
    const isLonger = untilMs > (this.limits.get(id)?.untilMs ?? 0) + WORTH_TELLING_MS;
    const place = placeOf(endpoint);
    this.limits.set(id, { untilMs, providerId, place });
    // A hundred calls that meet one limit are one piece of news.
    if (!isLonger || forMs < WORTH_TELLING_MS) return;
    this.logger.info({ endpoint: id, provider: providerName, for_ms: forMs }, 'endpoint asked for patience');
    this.events.emit({ type: 'limited', endpointId: id, providerId, providerName, place, reason, forMs });
  }

  /** Another process was asked for patience. */
  learn({ endpointId, providerId, place, forMs }: LearnedOutage): void {
    this.limits.set(endpointId, { untilMs: performance.now() + forMs, providerId, place });
  }

  /** Milliseconds for which an endpoint is to be left alone; 0 when it may be called. */
  waitMs(endpointId: string): number {
    const limit = this.limits.get(endpointId);
    if (limit === undefined) return 0;
    const waitMs = limit.untilMs - performance.now();
    if (waitMs > 0) return waitMs;
    this.limits.delete(endpointId);
    return 0;
  }

  /** The endpoints in their order, those that asked for patience behind the others, the shortest wait first. */
  order(endpoints: readonly Endpoint[]): readonly Endpoint[] {
    if (this.limits.size === 0) return endpoints;
    const waits = endpoints.map((endpoint) => ({ endpoint, waitMs: this.placedWaitMs(endpoint) }));
    return waits.sort((left, right) => left.waitMs - right.waitMs).map(({ endpoint }) => endpoint);
  }

  /** Providers that were changed (a new key, a higher limit) are asked at once. */
  forget(providerIds: ReadonlySet<string>): void {
    for (const [endpointId, { providerId }] of this.limits) {
      if (providerIds.has(providerId)) this.limits.delete(endpointId);
    }
  }

  /** The limit of another address or model name is not this endpoint's. */
  private placedWaitMs(endpoint: Endpoint): number {
    const limit = this.limits.get(endpoint.id);
    if (limit !== undefined && limit.place !== placeOf(endpoint)) this.limits.delete(endpoint.id);
    return this.waitMs(endpoint.id);
  }
}
