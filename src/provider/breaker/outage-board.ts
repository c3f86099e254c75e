import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { ChangeFeed, type ChangeHandler } from '../../platform/changes/index.js';
import { newId } from '../../platform/ids/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import { RetryAfterTracker } from '../failover/retry-after-tracker.js';
import type { KnownOutage, OutageNote } from '../persistence/endpoint-outage.repository.js';
import { EndpointBreakers } from './endpoint-breakers.js';
import { EndpointEvents, type EndpointEvent } from './endpoint-events.js';
import { OutageNotes } from './outage-notes.js';

/** One statement carries so many notes; the rest waits for the next one. */
const NOTES_MAX = 500;

/** A note that is to be written; `null` clears the breaker's row. */
type Pending = { endpointId: string; note: OutageNote | null };

/**
 * What processes tell each other about endpoints: breakers that opened or closed, and limits. Written behind the calls,
 * one statement at a time, the latest word on each endpoint only; read through the change feed. When the database is
 * away nothing is shared and every process goes by what it sees itself.
 */
@Injectable()
export class OutageBoard implements ChangeHandler, BeforeApplicationShutdown {
  private readonly processId = newId();
  private readonly pending = new Map<string, Pending>();
  private writing: Promise<void> | null = null;

  constructor(
    changes: ChangeFeed,
    events: EndpointEvents,
    private readonly breakers: EndpointBreakers,
    private readonly limits: RetryAfterTracker,
    private readonly notes: OutageNotes,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    changes.register('endpoint_outage', this);
    events.subscribe((event) => this.note(event));
  }

  async reloadAll(): Promise<void> {
    for (const outage of await this.notes.all()) this.learn(outage);
  }

  async reload(ids: readonly string[]): Promise<void> {
    const outages = await this.notes.byEndpoints(ids);
    const rows = new Set(outages.map(({ endpointId, kind }) => `${endpointId} ${kind}`));
    const isGone = (key: string): boolean => !rows.has(key) && !this.pending.has(key);
    for (const id of ids) {
      if (isGone(`${id} breaker`)) this.breakers.learnClosed(id);
      if (isGone(`${id} limit`)) this.limits.forgetEndpoint(id);
    }
    for (const outage of outages) this.learn(outage);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.writing;
  }

  /** What this process has seen itself it knows better. */
  private learn(outage: KnownOutage): void {
    if (outage.processId === this.processId) return;
    if (outage.forMs <= 0) {
      if (outage.kind === 'breaker') this.breakers.learnReady(outage.endpointId);
    } else if (outage.kind === 'limit') this.limits.learn(outage);
    else this.breakers.learnOpen(outage);
  }

  private note({ type, endpointId, place, reason, caller, forMs }: EndpointEvent): void {
    const kind = type === 'limited' ? 'limit' : 'breaker';
    const note = type === 'breaker_closed' ? null : { endpointId, kind, place, reason, caller, forMs };
    this.pending.set(`${endpointId} ${kind}`, { endpointId, note } as Pending);
    this.writing ??= this.write().finally(() => (this.writing = null));
  }

  private async write(): Promise<void> {
    while (this.pending.size > 0) {
      const batch = [...this.pending].slice(0, NOTES_MAX);
      const seen = batch.flatMap(([, { note }]) => (note === null ? [] : [note]));
      const closed = batch.flatMap(([, { endpointId, note }]) => (note === null ? [endpointId] : []));
      try {
        await this.notes.write(this.processId, seen, closed);
      } catch (error) {
        this.logger.warn({ error: String(error) }, 'the standing of endpoints could not be shared');
      }
      // A later word that came meanwhile stays; what could not be written is told again by the next probe.
      for (const [key, item] of batch) if (this.pending.get(key) === item) this.pending.delete(key);
    }
  }
}
