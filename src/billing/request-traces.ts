import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/index.js';
import { toJsonb } from '../platform/database/index.js';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import { Counter, METRICS, type Registry } from '../platform/metrics/index.js';
import { FIRST_ERROR_STATUS, type RefusedRequest, type RequestFilter } from './domain/request-search.js';
import { WaitingPacks } from './domain/trace-pack.js';
import type { RequestTrace } from './domain/trace.js';
import { TracePackRepository } from './persistence/trace-pack.repository.js';
import { TraceRepository, type Found } from './persistence/trace.repository.js';
import { RefusalSampler } from './refusal-sampler.js';

const KEPT_MAX = 20_000;
const INSERT_MAX = 2_000;
const FLUSH_AFTER_MS = 200;
const RETRY_AFTER_MS = 1_000;

/**
 * Traces of requests, written in the background in bulk: a request never waits for its trace, and traces never hold more
 * than a bounded memory. When they overflow, refused requests go first. Money does not depend on them.
 */
@Injectable()
export class RequestTraces implements OnApplicationShutdown {
  private readonly served = new WaitingPacks();
  /** JSON texts. */
  private refused: string[] = [];
  /** Taken to be written: they count until they are, because they may come back. */
  private takenCount = 0;
  private timer: NodeJS.Timeout | null = null;
  private writing: Promise<void> = Promise.resolve();
  private flushing: Promise<void> = Promise.resolve();
  private readonly dropped: Counter;
  private readonly unsampled: Counter;
  private readonly sampler: RefusalSampler;

  constructor(
    private readonly repository: TraceRepository,
    private readonly packs: TracePackRepository,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METRICS) metrics: Registry,
    @Inject(CONFIG) config: Config,
  ) {
    this.sampler = new RefusalSampler({
      unauthenticatedPerMinute: config.TRACE_UNAUTHENTICATED_PER_MINUTE,
      perKeyPerMinute: config.TRACE_REFUSED_PER_MINUTE,
    });
    this.unsampled = new Counter({
      name: 'request_traces_unsampled_total',
      help: 'Refused requests beyond the number that is kept in a minute; they are in the log only.',
      registers: [metrics],
    });
    this.dropped = new Counter({
      name: 'request_traces_dropped_total',
      help: 'Traces that found no room in memory; their requests are explained from money rows alone.',
      registers: [metrics],
    });
  }

  /** Takes a trace; returns at once. */
  record(trace: RequestTrace): void {
    const isRefused = trace.status >= FIRST_ERROR_STATUS;
    if (isRefused && !this.sampler.keep(trace.apiKeyId, trace.createdAtMs)) {
      this.unsampled.inc();
      return;
    }
    if (this.waitingCount + this.takenCount >= KEPT_MAX) {
      this.dropped.inc();
      if (isRefused || this.refused.length === 0) return;
      this.refused.pop();
    }
    if (isRefused) this.refused.push(toJsonb(trace));
    else this.served.add(trace.requestId, JSON.stringify(trace));
    this.schedule(FLUSH_AFTER_MS);
  }

  /** The trace of a request by the gateway's own id. */
  async findById(requestId: string): Promise<RequestTrace | null> {
    await this.writeDown();
    return (await this.repository.findById(requestId)) ?? (await this.packs.findById(requestId));
  }

  /**
   * The newest request with a client's label that was refused before it froze any credits, and how many such share it; with
   * `apiKeyId`, only requests of that key. The others are found by their money.
   */
  async findByClientId(clientRequestId: string, apiKeyId: string | null): Promise<Found<RequestTrace> | null> {
    await this.writeDown();
    return this.repository.findByClientId(clientRequestId, apiKeyId);
  }

  /** Refused and failed requests, newest first. */
  async listRefused(filter: RequestFilter, limit: number, beforeId: string | null): Promise<RefusedRequest[]> {
    await this.writeDown();
    return this.repository.listRefused(filter, limit, beforeId);
  }

  /** Those of some requests that were refused or failed. */
  refusedAmong(requestIds: readonly string[]): Promise<Set<string>> {
    return this.repository.refusedAmong(requestIds);
  }

  /**
   * Writes everything recorded so far, and waits for what others have begun to write.
   * @throws when the database is away; the traces stay in memory.
   */
  flush(): Promise<void> {
    this.flushing = this.flushing.catch(() => undefined).then(() => this.writeAll());
    return this.flushing;
  }

  private async writeAll(): Promise<void> {
    while (this.waitingCount > 0) {
      const served = this.served.take(INSERT_MAX);
      const refused = this.refused.splice(0, INSERT_MAX);
      this.takenCount = served.reduce((lines, pack) => lines + pack.lines, refused.length);
      const [packed, inserted] = await Promise.allSettled([
        served.length === 0 ? undefined : this.packs.insert(served),
        refused.length === 0 ? undefined : this.repository.insert(refused),
      ]);
      this.takenCount = 0;
      if (packed.status === 'rejected') this.served.putBack(served);
      if (inserted.status === 'rejected') this.refused.unshift(...refused);
      if (packed.status === 'rejected') throw packed.reason;
      if (inserted.status === 'rejected') throw inserted.reason;
    }
  }

  private get waitingCount(): number {
    return this.served.lines + this.refused.length;
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    await this.writing;
    await this.flush().catch((error: unknown) => this.logger.warn({ error: String(error) }, 'traces were lost'));
  }

  /** Whoever asks right after an answer of this process finds its trace. */
  private async writeDown(): Promise<void> {
    await this.writing;
    await this.flush().catch((error: unknown) => {
      this.logger.warn({ error: String(error) }, 'traces could not be written yet');
    });
  }

  private schedule(delayMs: number): void {
    this.timer ??= setTimeout(() => {
      this.writing = this.writeInBackground();
    }, delayMs).unref();
  }

  private async writeInBackground(): Promise<void> {
    let delayMs = FLUSH_AFTER_MS;
    try {
      await this.flush();
    } catch (error) {
      delayMs = RETRY_AFTER_MS;
      this.logger.warn({ error: String(error) }, 'traces could not be written yet');
    }
    this.timer = null;
    if (this.waitingCount > 0) this.schedule(delayMs);
  }
}
