import { Inject, Injectable, Optional } from '@nestjs/common';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import type { Endpoint } from '../domain/endpoint.js';
import { countsAgainstEndpoint } from '../domain/failure.js';
import type { FailureClass } from '../domain/call.js';
import { EndpointBreaker, type BreakerOptions } from './endpoint-breaker.js';

export const BREAKER_OPTIONS = Symbol('BREAKER_OPTIONS');

const DEFAULTS: BreakerOptions = { faultsMax: 5, openMs: 10_000 };

interface Entry {
  breaker: EndpointBreaker;
  providerId: string;
  /** What the breaker is about; another model name or address is another place, with a clean record. */
  place: string;
}

/**
 * The breakers of this process, one an endpoint that has failed lately. Each process learns by itself: a breaker saves
 * time, no money depends on it.
 */
@Injectable()
export class EndpointBreakers {
  private readonly entries = new Map<string, Entry>();
  private readonly options: BreakerOptions;

  constructor(
    @Inject(LOGGER) private readonly logger: Logger,
    @Optional() @Inject(BREAKER_OPTIONS) options?: BreakerOptions,
  ) {
    this.options = options ?? DEFAULTS;
  }

  /** Whether an endpoint may be called now. */
  isHealthy(endpointId: string): boolean {
    return this.entries.get(endpointId)?.breaker.isHealthy(performance.now()) ?? true;
  }

  /** Milliseconds until an endpoint may be called. */
  waitMs(endpointId: string): number {
    return this.entries.get(endpointId)?.breaker.waitMs(performance.now()) ?? 0;
  }

  /** Whether a call may pass; one that did must end in `succeed` or `fail`. */
  tryPass(endpoint: Endpoint): boolean {
    const entry = this.entryOf(endpoint);
    return entry === undefined || entry.breaker.tryPass(performance.now());
  }

  /** The first content has arrived. */
  begin(endpoint: Endpoint): void {
    this.entryOf(endpoint)?.breaker.begin();
  }

  /** The call ended well. */
  succeed(endpoint: Endpoint): void {
    this.entryOf(endpoint)?.breaker.succeed();
    this.entries.delete(endpoint.id);
  }

  /** The call failed; only faults of the endpoint count. */
  fail(endpoint: Endpoint, failure: FailureClass): void {
    const entry = this.entryOf(endpoint);
    if (failure === 'caller_fault') return this.succeed(endpoint);
    if (!countsAgainstEndpoint(failure)) {
      entry?.breaker.release();
      return;
    }
    const { breaker } = entry ?? this.addEntry(endpoint);
    if (breaker.fault(performance.now())) {
      this.logger.warn({ endpoint: endpoint.id, provider: endpoint.providerName }, 'endpoint taken out of service');
    }
  }

  /** Providers that were changed start with a clean record. */
  forget(providerIds: ReadonlySet<string>): void {
    for (const [endpointId, { providerId }] of this.entries) {
      if (providerIds.has(providerId)) this.entries.delete(endpointId);
    }
  }

  private entryOf(endpoint: Endpoint): Entry | undefined {
    const entry = this.entries.get(endpoint.id);
    if (entry === undefined || entry.place === placeOf(endpoint)) return entry;
    this.entries.delete(endpoint.id);
    return undefined;
  }

  private addEntry(endpoint: Endpoint): Entry {
    const { id, providerId } = endpoint;
    const entry = { breaker: new EndpointBreaker(this.options), providerId, place: placeOf(endpoint) };
    this.entries.set(id, entry);
    return entry;
  }
}

function placeOf({ baseUrl, upstreamModel }: Endpoint): string {
  return `${baseUrl} ${upstreamModel}`;
}
