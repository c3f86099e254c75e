import { Inject, Injectable } from '@nestjs/common';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import { EndpointEvents, placeOf } from '../breaker/endpoint-events.js';
import type { LearnedOutage } from '../breaker/endpoint-breakers.js';
import type { Endpoint } from '../domain/endpoint.js';
import type { UpstreamFailure } from '../domain/failure.js';

/** An endpoint is asked again after an hour, however long its `Retry-After`: the operator may have raised the limit. */
const LIMIT_MS_MAX = 3_600_000;

/** A 429 that names no time: so long at first, doubled each time that the next call meets it again. */
const UNNAMED_MS = { first: 1_000, most: 30_000 };

/** Less is over before another process could act on it. */
const WORTH_TELLING_MS = 1_500;

/** Endpoints that are known by their id. */
const KEYS_MAX = 100_000;

interface Refusal {
  /** E.g. `http_429`. */
  reason: string;
  /** How long a limit without a time lasts; 0 for one with a time. */
  unnamedMs: number;
  forMs: number;
}

interface Limit extends Omit<Refusal, 'forMs'> {
  untilMs: number;
  providerId: string;
}

/**
 * Remembers which upstream models asked to be left alone; until then their endpoints are not called. Vendors count by account
 * and model name, so all endpoints of one provider with one upstream model share a limit.
 */
@Injectable()
export class RetryAfterTracker {
  /** By provider and place. */
  private readonly limits = new Map<string, Limit>();
  /** The keys of endpoints that have been called: the router asks by id. */
  private readonly keys = new Map<string, string>();

  constructor(
    private readonly events: EndpointEvents,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** An endpoint failed: a `Retry-After` is remembered, and a limit without one for a while. */
  note(endpoint: Endpoint, { failure, retryAfterS, reason }: UpstreamFailure): void {
    if (retryAfterS !== null) return this.remember(endpoint, { reason, unnamedMs: 0, forMs: retryAfterS * 1000 });
    if (failure !== 'rate_limited') return;
    const known = this.limits.get(this.keyOf(endpoint));
    // Calls that were under way when the limit was met say nothing new.
    if (known !== undefined && known.untilMs > performance.now()) return;
    const forMs = Math.min(UNNAMED_MS.most, Math.max(UNNAMED_MS.first, 2 * (known?.unnamedMs ?? 0)));
    this.remember(endpoint, { reason, unnamedMs: forMs, forMs });
  }

  /** An endpoint answered: a limit that is over is forgotten, so that one without a time starts small again. */
  clear(endpoint: Endpoint): void {
    if (this.limits.size > 0 && this.waitMs(endpoint) === 0) this.limits.delete(this.keyOf(endpoint));
  }

  /** Another process met a limit. */
  learn({ endpointId, providerId, place, reason, forMs }: LearnedOutage): void {
    const key = `${providerId} ${place}`;
    this.keys.set(endpointId, key);
    this.limits.set(key, { untilMs: performance.now() + forMs, providerId, reason, unnamedMs: 0 });
  }

  /** Milliseconds for which an endpoint is to be left alone; 0 when it may be called. */
  waitMs(endpoint: Endpoint): number {
    return this.limits.size === 0 ? 0 : this.leftMs(this.keyOf(endpoint));
  }

  /** The same for an endpoint that is known by its id alone; 0 for one that has not been called. */
  waitMsOf(endpointId: string): number {
    return this.leftMs(this.keys.get(endpointId) ?? '');
  }

  /** Why an endpoint is to be left alone, e.g. `http_429`; `null` when it may be called. */
  reasonOf(endpoint: Endpoint): string | null {
    return this.waitMs(endpoint) > 0 ? (this.limits.get(this.keyOf(endpoint))?.reason ?? null) : null;
  }

  /** Providers that were changed (a new key, a higher limit) are asked at once. */
  forget(providerIds: ReadonlySet<string>): void {
    for (const [key, { providerId }] of this.limits) if (providerIds.has(providerId)) this.limits.delete(key);
  }

  /** An endpoint was changed: its limit is another one's. */
  forgetEndpoint(endpointId: string): void {
    this.limits.delete(this.keys.get(endpointId) ?? '');
    this.keys.delete(endpointId);
  }

  private remember(endpoint: Endpoint, { reason, unnamedMs, forMs: askedMs }: Refusal): void {
    const { id, providerId, providerName } = endpoint;
    const key = this.keyOf(endpoint);
    const forMs = Math.min(LIMIT_MS_MAX, askedMs);
    const untilMs = performance.now() + forMs;
    const isLonger = untilMs > (this.limits.get(key)?.untilMs ?? 0) + WORTH_TELLING_MS;
    this.limits.set(key, { untilMs, providerId, reason, unnamedMs });
    // A hundred calls that meet one limit are one piece of news.
    if (!isLonger || forMs < WORTH_TELLING_MS) return;
    const place = placeOf(endpoint);
    this.logger.info({ endpoint: id, provider: providerName, reason, for_ms: forMs }, 'endpoint is at its limit');
    const news = { endpointId: id, providerId, providerName, place, reason, forMs, caller: null };
    this.events.emit({ type: 'limited', ...news });
  }

  private leftMs(key: string): number {
    const limit = this.limits.get(key);
    return limit === undefined ? 0 : Math.max(0, limit.untilMs - performance.now());
  }

  private keyOf(endpoint: Endpoint): string {
    const key = `${endpoint.providerId} ${placeOf(endpoint)}`;
    // Endpoints that are gone would stay for ever.
    if (this.keys.size >= KEYS_MAX) this.keys.clear();
    this.keys.set(endpoint.id, key);
    return key;
  }
}
