import { Injectable } from '@nestjs/common';
import { EventLog, type NewEvent } from '../../events/index.js';
import {
  EndpointOutageRepository,
  type KnownOutage,
  type OpenedBreaker,
  type OutageNote,
} from '../persistence/endpoint-outage.repository.js';

/** What processes have seen of endpoints; what this one adds goes with the event where a breaker has opened that no process knew open. */
@Injectable()
export class OutageNotes {
  constructor(
    private readonly rows: EndpointOutageRepository,
    private readonly events: EventLog,
  ) {}

  /** Adds or replaces notes, at most one of each endpoint and kind, and clears the breakers of endpoints that have closed. */
  async write(processId: string, notes: readonly OutageNote[], closedEndpointIds: readonly string[]): Promise<void> {
    if (notes.length > 0) {
      await this.rows.inTransaction(async (transaction) => {
        const opened = await this.rows.write(processId, notes, transaction);
        await this.events.raise(opened.map(breakerOpen), transaction);
      });
    }
    await this.rows.clear(closedEndpointIds);
  }

  /** Outages still in effect. */
  all(): Promise<KnownOutage[]> {
    return this.rows.all();
  }

  /** Also outages whose time is over: their breakers have not closed yet. */
  byEndpoints(endpointIds: readonly string[]): Promise<KnownOutage[]> {
    return this.rows.byEndpoints(endpointIds);
  }
}

function breakerOpen({
  endpointId,
  providerId,
  provider,
  modelKey,
  upstreamModel,
  reason,
  caller,
  forMs,
}: OpenedBreaker): NewEvent {
  return {
    kind: 'breaker_open',
    accountId: null,
    subject: { type: 'endpoint', id: endpointId },
    data: {
      provider_id: providerId,
      provider,
      model_key: modelKey,
      upstream_model: upstreamModel,
      reason,
      scope: caller === null ? 'all' : 'one_caller',
      open_ms: Math.round(forMs),
    },
  };
}
