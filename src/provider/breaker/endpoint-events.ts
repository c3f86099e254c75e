import { Inject, Injectable } from '@nestjs/common';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import type { Endpoint } from '../domain/endpoint.js';

/** Something that an endpoint did to its standing, seen by this process. What other processes saw is not told again. */
export interface EndpointEvent {
  /**
   * `breaker_ready`: its provider answers a question that costs nothing, so the next call is the probe of its open breaker.
   * `limited`: it is at a limit (`Retry-After`).
   */
  type: 'breaker_opened' | 'breaker_ready' | 'breaker_closed' | 'limited';
  endpointId: string;
  providerId: string;
  providerName: string;
  /** What the event is about: another address or model name is another place. */
  place: string;
  /** The only caller that the breaker keeps away (`CallMark`); `null` when it keeps all away, and for limits. */
  caller: string | null;
  /** Last fault, e.g. `http_503`; empty when a breaker closed. */
  reason: string;
  /** How long it is left alone; 0 when a breaker closed or need not wait. */
  forMs: number;
}

export type EndpointListener = (event: EndpointEvent) => void;

/** Tells listeners in this process: the board that other processes read, alerts, metrics. */
@Injectable()
export class EndpointEvents {
  private readonly listeners = new Set<EndpointListener>();

  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  /**
   * Calls a listener at once with every event from now on. It must not wait; what it throws is logged.
   * @returns ends the subscription.
   */
  subscribe(listener: EndpointListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  emit(event: EndpointEvent): void {
    for (const listener of this.listeners) {
      try {
        listener(event);
      } catch (error) {
        this.logger.error({ event: event.type, error: String(error) }, 'a listener of endpoint events failed');
      }
    }
  }
}

/** What breakers, limits and events are about. */
export function placeOf({ baseUrl, upstreamModel }: Pick<Endpoint, 'baseUrl' | 'upstreamModel'>): string {
  return `${baseUrl} ${upstreamModel}`;
}
