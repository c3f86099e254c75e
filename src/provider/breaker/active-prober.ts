import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import type { ProviderRow } from '../domain/provider.js';
import { EndpointOutageRepository } from '../persistence/endpoint-outage.repository.js';
import { ProviderDirectory } from '../provider.directory.js';
import { ProviderProbe } from '../provider.probe.js';
import { EndpointBreakers } from './endpoint-breakers.js';
import { placeOf } from './endpoint-events.js';

/** So many providers are asked at a time. */
const PROBES_MAX = 4;

/** Processes that were started together do not ask together. */
const JITTER = 0.2;

/** Diagnoses that a call would have met as a fault of the endpoint. */
const FAULTS: ReadonlySet<string> = new Set(['dns', 'connect', 'tls', 'timeout', 'server', 'answer']);

/**
 * Asks every enabled provider now and then a question that costs nothing, where an operator wants that. A failure counts
 * as one fault of each of its endpoints; an answer lets a breaker that is open be probed at once by the next call, but
 * closes none: that a list of models is served says nothing about the models.
 */
@Injectable()
export class ActiveProber implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | null = null;
  private isStopped = false;

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'UPSTREAM_PROBE_INTERVAL_MS'>,
    private readonly directory: ProviderDirectory,
    private readonly probe: ProviderProbe,
    private readonly breakers: EndpointBreakers,
    private readonly endpoints: EndpointOutageRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.schedule();
  }

  beforeApplicationShutdown(): void {
    this.isStopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private schedule(): void {
    const intervalMs = this.config.UPSTREAM_PROBE_INTERVAL_MS;
    if (intervalMs === 0 || this.isStopped) return;
    const waitMs = intervalMs * (1 - JITTER + 2 * JITTER * Math.random());
    this.timer = setTimeout(() => void this.round().finally(() => this.schedule()), waitMs);
    this.timer.unref();
  }

  private async round(): Promise<void> {
    const waiting = this.directory.list().filter(({ enabled, baseUrl }) => enabled && baseUrl.startsWith('http'));
    const worker = async (): Promise<void> => {
      for (let row = waiting.pop(); row !== undefined && !this.isStopped; row = waiting.pop()) await this.ask(row);
    };
    await Promise.all(Array.from({ length: PROBES_MAX }, worker));
  }

  private async ask(row: ProviderRow): Promise<void> {
    try {
      const { ok: isProven, diagnosis, error } = await this.probe.run(row, null);
      // A server without a list of models answers, too.
      const ok = isProven || diagnosis === 'unproven';
      if (!ok) this.logger.warn({ provider: row.name, diagnosis, reason: error }, 'provider probe failed');
      if (!ok && !FAULTS.has(diagnosis)) return;
      for (const endpoint of await this.endpoints.ofProvider(row.id)) {
        if (ok) this.breakers.hint(endpoint.endpointId);
        else this.breakers.probeFailed({ ...endpoint, place: placeOf(endpoint) }, `probe_${error ?? diagnosis}`);
      }
    } catch (error) {
      this.logger.warn({ provider: row.name, error: String(error) }, 'a provider could not be probed');
    }
  }
}
