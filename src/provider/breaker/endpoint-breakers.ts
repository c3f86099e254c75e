import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import type { FailureClass } from '../domain/call.js';
import type { Endpoint } from '../domain/endpoint.js';
import { countsAgainstEndpoint } from '../domain/failure.js';
import { EndpointBreaker, type BreakerOptions, type BreakerState } from './endpoint-breaker.js';
import { EndpointEvents, placeOf, type EndpointEvent } from './endpoint-events.js';

interface Entry {
  breaker: EndpointBreaker;
  endpointId: string;
  providerId: string;
  providerName: string;
  /** What the breaker is about; another model name or address is another place, with a clean record. */
  place: string;
  /** The last fault. */
  reason: string;
}

/** An endpoint whose provider was probed. */
export type ProbedEndpoint = Pick<Entry, 'endpointId' | 'providerId' | 'providerName' | 'place'>;

/** A breaker that another process has opened. */
export interface LearnedOutage {
  endpointId: string;
  providerId: string;
  providerName: string;
  place: string;
  reason: string;
  /** How long it stays open. */
  forMs: number;
}

/** The breaker of an endpoint as operators see it. */
export interface BreakerView {
  state: BreakerState;
  /** The last fault; `null` while nothing has gone wrong lately. */
  reason: string | null;
  /** Milliseconds until a probe may pass. */
  waitMs: number;
}

/**
 * The process that opened a breaker sends the probe; the others come a little later, each at its own time, in case it is
 * gone. So a sick endpoint sees about one probe at a time, however many processes there are.
 */
const OTHERS_LATER_MS = { least: 1_000, most: 3_000 };

/** The breakers that this process knows, one an endpoint that has failed lately. */
@Injectable()
export class EndpointBreakers {
  private readonly entries = new Map<string, Entry>();
  private readonly options: BreakerOptions;

  constructor(
    @Inject(CONFIG) config: Pick<Config, 'UPSTREAM_BREAKER_FAULTS_MAX' | 'UPSTREAM_BREAKER_OPEN_MS'>,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly events: EndpointEvents,
  ) {
    this.options = { faultsMax: config.UPSTREAM_BREAKER_FAULTS_MAX, openMs: config.UPSTREAM_BREAKER_OPEN_MS };
  }

  /** Whether an endpoint may be called now. */
  isHealthy(endpointId: string): boolean {
    return this.entries.get(endpointId)?.breaker.isHealthy(performance.now()) ?? true;
  }

  /** Milliseconds until an endpoint may be called. */
  waitMs(endpointId: string): number {
    return this.entries.get(endpointId)?.breaker.waitMs(performance.now()) ?? 0;
  }

  view(endpointId: string): BreakerView {
    const entry = this.entries.get(endpointId);
    if (entry === undefined) return { state: 'closed', reason: null, waitMs: 0 };
    const nowMs = performance.now();
    return { state: entry.breaker.state(nowMs), reason: entry.reason, waitMs: entry.breaker.waitMs(nowMs) };
  }

  /** How many do not let every call pass. */
  get openCount(): number {
    const nowMs = performance.now();
    return [...this.entries.values()].filter(({ breaker }) => breaker.state(nowMs) !== 'closed').length;
  }

  /** Whether a call may pass; one that did must end in `succeed` or `fail`. */
  tryPass(endpoint: Endpoint): boolean {
    const entry = this.entryOf(endpoint);
    return entry === undefined || entry.breaker.tryPass(performance.now());
  }

  /** The first content has arrived. */
  begin(endpoint: Endpoint): void {
    const entry = this.entryOf(endpoint);
    if (entry?.breaker.begin() === true) this.tellClosed(entry);
  }

  /** The call ended well. */
  succeed(endpoint: Endpoint): void {
    const entry = this.entryOf(endpoint);
    if (entry === undefined) return;
    this.entries.delete(endpoint.id);
    if (entry.breaker.succeed()) this.tellClosed(entry);
  }

  /**
   * The call failed; only faults of the endpoint count.
   * @param reason short, e.g. `http_503`.
   */
  fail(endpoint: Endpoint, failure: FailureClass, reason: string): void {
    if (failure === 'caller_fault') return this.succeed(endpoint);
    const known = this.entryOf(endpoint);
    if (!countsAgainstEndpoint(failure)) {
      known?.breaker.release();
      return;
    }
    this.count(known ?? this.addEntry({ ...endpoint, endpointId: endpoint.id, place: placeOf(endpoint) }), reason);
  }

  /** The provider of an endpoint did not answer a question that costs nothing: a fault, as if a call had met it. */
  probeFailed(target: ProbedEndpoint, reason: string): void {
    const known = this.entries.get(target.endpointId);
    this.count(known?.place === target.place ? known : this.addEntry(target), reason);
  }

  /** The provider answers a question that costs nothing: an open breaker need not wait, the next call is its probe. */
  hint(endpointId: string): void {
    const entry = this.entries.get(endpointId);
    if (entry?.breaker.halfOpen(performance.now()) === true) this.events.emit(eventOf(entry, 'breaker_ready', 0));
  }

  /** Another process has opened a breaker. */
  learnOpen(outage: LearnedOutage): void {
    const untilMs = outage.forMs + othersTurnMs();
    const known = this.entries.get(outage.endpointId);
    const entry = known?.place === outage.place ? known : this.addEntry(outage);
    entry.reason = outage.reason;
    entry.breaker.learnOpen(untilMs);
  }

  /** Another process need not wait any more, and sends the probe. */
  learnReady(endpointId: string): void {
    this.entries.get(endpointId)?.breaker.halfOpen(othersTurnMs());
  }

  /** Another process has had an answer. */
  learnClosed(endpointId: string): void {
    this.entries.get(endpointId)?.breaker.begin();
  }

  /** Providers that were changed start with a clean record. */
  forget(providerIds: ReadonlySet<string>): void {
    for (const [endpointId, entry] of this.entries) {
      if (!providerIds.has(entry.providerId)) continue;
      this.entries.delete(endpointId);
      if (entry.breaker.succeed()) this.tellClosed(entry);
    }
  }

  private count(entry: Entry, reason: string): void {
    entry.reason = reason;
    if (!entry.breaker.fault(performance.now())) return;
    const { openMs } = this.options;
    const { endpointId, providerName } = entry;
    this.logger.warn({ endpoint: endpointId, provider: providerName, reason, open_ms: openMs }, 'breaker opened');
    this.events.emit(eventOf(entry, 'breaker_opened', openMs));
  }

  private tellClosed(entry: Entry): void {
    this.logger.info({ endpoint: entry.endpointId, provider: entry.providerName }, 'breaker closed');
    this.events.emit(eventOf(entry, 'breaker_closed', 0));
  }

  private entryOf(endpoint: Endpoint): Entry | undefined {
    const entry = this.entries.get(endpoint.id);
    if (entry === undefined || entry.place === placeOf(endpoint)) return entry;
    this.entries.delete(endpoint.id);
    return undefined;
  }

  private addEntry({ endpointId, providerId, providerName, place }: Omit<Entry, 'breaker' | 'reason'>): Entry {
    const breaker = new EndpointBreaker(this.options);
    const entry = { breaker, endpointId, providerId, providerName, place, reason: '' };
    this.entries.set(endpointId, entry);
    return entry;
  }
}

/** When this process comes after the one that sends the probe now. */
function othersTurnMs(): number {
  const { least, most } = OTHERS_LATER_MS;
  return performance.now() + least + Math.random() * (most - least);
}

function eventOf(entry: Entry, type: EndpointEvent['type'], forMs: number): EndpointEvent {
  const { endpointId, providerId, providerName, place } = entry;
  return {
    type,
    endpointId,
    providerId,
    providerName,
    place,
    forMs,
    reason: type === 'breaker_closed' ? '' : entry.reason,
  };
}
