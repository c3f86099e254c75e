import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import type { FailureClass } from '../domain/call.js';
import type { Endpoint } from '../domain/endpoint.js';
import { countsAgainstEndpoint, mayFollowRequest } from '../domain/failure.js';
import { callerMarkOf, type CallMark } from './call-mark.js';
import { EndpointBreaker, type BreakerOptions, type BreakerState } from './endpoint-breaker.js';
import { EndpointEvents, placeOf, type EndpointEvent } from './endpoint-events.js';

interface Entry {
  breaker: EndpointBreaker;
  endpointId: string;
  modelId: string;
  providerId: string;
  providerName: string;
  /** What the breaker is about; another model name or address is another place, with a clean record. */
  place: string;
  /** The last fault. */
  reason: string;
}

/** An endpoint whose provider was probed. */
export type ProbedEndpoint = Pick<Entry, 'endpointId' | 'modelId' | 'providerId' | 'providerName' | 'place'>;

/** A breaker that another process has opened. */
export interface LearnedOutage {
  endpointId: string;
  modelId: string;
  providerId: string;
  providerName: string;
  place: string;
  reason: string;
  /** The only caller that it keeps away (`CallMark`); `null` when it keeps all away. */
  caller: string | null;
  /** How long it stays open. */
  forMs: number;
}

/** The breaker of an endpoint as operators see it. */
export interface BreakerView {
  state: BreakerState;
  /** It keeps one caller away, and lets the others pass. */
  isForOneCaller: boolean;
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

  /** Whether an endpoint may be called now for an account. */
  isHealthy(endpointId: string, callerId: string): boolean {
    const entry = this.entries.get(endpointId);
    return entry === undefined || entry.breaker.isHealthy(performance.now(), callerMarkOf(callerId));
  }

  /** Milliseconds until an endpoint may be called for an account. */
  waitMs(endpointId: string, callerId: string): number {
    return this.entries.get(endpointId)?.breaker.waitMs(performance.now(), callerMarkOf(callerId)) ?? 0;
  }

  /** Milliseconds that each endpoint of a model is still left alone which may not be called now for an account. */
  waitsOfModel(modelId: string, callerId: string): ReadonlyMap<string, number> {
    const waits = new Map<string, number>();
    for (const [endpointId, entry] of this.entries) {
      if (entry.modelId !== modelId || this.isHealthy(endpointId, callerId)) continue;
      waits.set(endpointId, this.waitMs(endpointId, callerId));
    }
    return waits;
  }

  view(endpointId: string): BreakerView {
    const entry = this.entries.get(endpointId);
    if (entry === undefined) return { state: 'closed', isForOneCaller: false, reason: null, waitMs: 0 };
    const nowMs = performance.now();
    const { breaker, reason } = entry;
    const isForOneCaller = breaker.caller !== null;
    return { state: breaker.state(nowMs), isForOneCaller, reason, waitMs: breaker.waitMs(nowMs) };
  }

  /** How many do not let every call pass. */
  get openCount(): number {
    const nowMs = performance.now();
    return [...this.entries.values()].filter(({ breaker }) => breaker.state(nowMs) !== 'closed').length;
  }

  /** Whether a call may pass; one that did must end in `succeed` or `fail`. */
  tryPass(endpoint: Endpoint, mark: CallMark): boolean {
    const entry = this.entryOf(endpoint);
    return entry === undefined || entry.breaker.tryPass(performance.now(), mark);
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
  fail(endpoint: Endpoint, failure: FailureClass, reason: string, mark: CallMark): void {
    if (failure === 'caller_fault') return this.succeed(endpoint);
    const known = this.entryOf(endpoint);
    if (!countsAgainstEndpoint(failure)) {
      known?.breaker.release(mark);
      return;
    }
    const entry = known ?? this.addEntry({ ...endpoint, endpointId: endpoint.id, place: placeOf(endpoint) });
    entry.reason = reason;
    const isProvoked = mayFollowRequest(reason, mark.isStream);
    if (entry.breaker.fault(performance.now(), mark, isProvoked)) this.tellOpened(entry);
  }

  /** The provider of an endpoint did not answer a question that costs nothing: a fault, as if a call had met it. */
  probeFailed(target: ProbedEndpoint, reason: string): void {
    const known = this.entries.get(target.endpointId);
    const entry = known?.place === target.place ? known : this.addEntry(target);
    entry.reason = reason;
    if (entry.breaker.fault(performance.now(), null, false)) this.tellOpened(entry);
  }

  /** The provider answers a question that costs nothing: an open breaker need not wait, the next call is its probe. */
  hint(endpointId: string): void {
    const entry = this.entries.get(endpointId);
    if (entry?.breaker.halfOpen(performance.now()) === true) this.events.emit(eventOf(entry, 'breaker_ready', 0));
  }

  /** Another process has opened a breaker. */
  learnOpen(outage: LearnedOutage): void {
    const nowMs = performance.now();
    // Only one caller probes, so its probe need not wait for the turn of this process.
    const untilMs = outage.forMs + (outage.caller === null ? othersTurnMs() : nowMs);
    const known = this.entries.get(outage.endpointId);
    const entry = known?.place === outage.place ? known : this.addEntry(outage);
    entry.reason = outage.reason;
    entry.breaker.learnOpen(nowMs, untilMs, outage.caller);
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

  private tellOpened(entry: Entry): void {
    const { openMs } = this.options;
    const { endpointId, providerName, reason, breaker } = entry;
    const news = { endpoint: endpointId, provider: providerName, reason, open_ms: openMs, caller: breaker.caller };
    this.logger.warn(news, 'breaker opened');
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

  private addEntry({ endpointId, modelId, providerId, providerName, place }: ProbedEndpoint): Entry {
    const breaker = new EndpointBreaker(this.options);
    const entry = { breaker, endpointId, modelId, providerId, providerName, place, reason: '' };
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
    caller: entry.breaker.caller,
    forMs,
    reason: type === 'breaker_closed' ? '' : entry.reason,
  };
}
