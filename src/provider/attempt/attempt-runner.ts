import { Inject, Injectable } from '@nestjs/common';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import type { AdapterCall, ProviderAdapter } from '../adapters/adapter.js';
import { AdapterRegistry } from '../adapters/adapter-registry.js';
import { EndpointBreakers } from '../breaker/endpoint-breakers.js';
import type { Endpoint } from '../domain/endpoint.js';
import { UpstreamFailure } from '../domain/failure.js';
import { mayLoseChunks } from '../domain/lost-chunks.js';
import type { JsonRecord } from '../domain/json.js';
import { CallerGoneError } from '../provider.errors.js';
import { ProviderDirectory } from '../provider.directory.js';
import { AttemptMeter } from './attempt-meter.js';
import { AttemptStream } from './attempt-stream.js';
import type { CallRun } from './call-run.js';
import { OpenAttempt } from './open-attempt.js';

/** The body of an attempt, where it is not the caller's own. */
export interface Variant {
  body: Readonly<JsonRecord>;
  written: Map<string, string>;
}

/** A streamed answer that has begun. */
export interface BegunStream {
  attempt: OpenAttempt;
  stream: AttemptStream;
}

/** Makes one attempt: the adapter, the provider's key, the clock, the record and the breaker come together here. */
@Injectable()
export class AttemptRunner {
  constructor(
    private readonly adapters: AdapterRegistry,
    private readonly directory: ProviderDirectory,
    readonly breakers: EndpointBreakers,
    readonly meter: AttemptMeter,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * A whole answer from one endpoint.
   * @throws UpstreamFailure; CallerGoneError.
   */
  async complete(run: CallRun, endpoint: Endpoint): Promise<JsonRecord> {
    const attempt = this.open(run, endpoint);
    let apiKey: string | null = null;
    try {
      const { adapter, call } = await this.prepare(run, attempt, run.request);
      apiKey = call.apiKey;
      const body = await adapter.complete(call);
      attempt.succeed();
      return body;
    } catch (error) {
      throw this.failed(attempt, error, apiKey);
    }
  }

  /**
   * A streamed answer from one endpoint, with its first content.
   * @throws UpstreamFailure; CallerGoneError.
   */
  async stream(run: CallRun, endpoint: Endpoint, variant?: Variant): Promise<BegunStream> {
    const attempt = this.open(run, endpoint);
    let apiKey: string | null = null;
    try {
      const { adapter, call } = await this.prepare(run, attempt, variant ?? run.request);
      apiKey = call.apiKey;
      if (variant !== undefined) call.written = variant.written;
      const source = await adapter.stream(call);
      const stream = await AttemptStream.open(source, attempt.watch, choicesOf(call.body), mayLoseChunks(call.body));
      attempt.begin();
      return { attempt, stream };
    } catch (error) {
      throw this.failed(attempt, error, apiKey);
    }
  }

  /** Ends the attempt; an unforeseen error is the gateway's own fault, and the next endpoint is tried. */
  private failed(attempt: OpenAttempt, error: unknown, apiKey: string | null): Error {
    let failure = error instanceof UpstreamFailure ? error.without(apiKey) : error;
    if (!(error instanceof UpstreamFailure) && !(error instanceof CallerGoneError)) {
      const { id, adapter } = attempt.endpoint;
      const said = apiKey === null ? String(error) : String(error).replaceAll(apiKey, '[removed]');
      this.logger.error({ endpoint: id, adapter, error: said }, 'an adapter failed in an unforeseen way');
      failure = new UpstreamFailure('operator_fault', 'internal', { cause: error });
    }
    attempt.fail(failure);
    return failure as Error;
  }

  private open(run: CallRun, endpoint: Endpoint): OpenAttempt {
    return new OpenAttempt(endpoint, run.startWatch(endpoint), this, run);
  }

  private async prepare(
    run: CallRun,
    { endpoint, watch }: OpenAttempt,
    { body }: { body: Readonly<JsonRecord> },
  ): Promise<{ adapter: ProviderAdapter; call: AdapterCall }> {
    const adapter = this.adapters.find(endpoint.adapter);
    if (adapter === null) throw new UpstreamFailure('operator_fault', 'adapter_unknown');
    const apiKey = await this.directory.apiKeyOf(endpoint.providerId);
    return { adapter, call: { endpoint, apiKey, body, written: run.written, watch } };
  }
}

function choicesOf(body: Readonly<JsonRecord>): number {
  return typeof body['n'] === 'number' ? body['n'] : 1;
}
