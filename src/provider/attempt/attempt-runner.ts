import { Injectable } from '@nestjs/common';
import type { AdapterCall, ProviderAdapter } from '../adapters/adapter.js';
import { AdapterRegistry } from '../adapters/adapter-registry.js';
import { EndpointBreakers } from '../breaker/endpoint-breakers.js';
import type { Endpoint } from '../domain/endpoint.js';
import { UpstreamFailure } from '../domain/failure.js';
import type { JsonRecord } from '../domain/json.js';
import { ProviderDirectory } from '../provider.directory.js';
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
    private readonly breakers: EndpointBreakers,
  ) {}

  /**
   * A whole answer from one endpoint.
   * @throws UpstreamFailure; CallerGoneError.
   */
  async complete(run: CallRun, endpoint: Endpoint): Promise<JsonRecord> {
    const attempt = this.open(run, endpoint);
    try {
      const { adapter, call } = await this.prepare(run, attempt, run.request);
      const body = await adapter.complete(call);
      attempt.succeed();
      return body;
    } catch (error) {
      attempt.fail(error);
      throw error;
    }
  }

  /**
   * A streamed answer from one endpoint, with its first content.
   * @throws UpstreamFailure; CallerGoneError.
   */
  async stream(run: CallRun, endpoint: Endpoint, variant?: Variant): Promise<BegunStream> {
    const attempt = this.open(run, endpoint);
    try {
      const { adapter, call } = await this.prepare(run, attempt, variant ?? run.request);
      if (variant !== undefined) call.written = variant.written;
      const source = await adapter.stream(call);
      const stream = await AttemptStream.open(source, attempt.watch, choicesOf(call.body));
      attempt.begin();
      return { attempt, stream };
    } catch (error) {
      attempt.fail(error);
      throw error;
    }
  }

  private open(run: CallRun, endpoint: Endpoint): OpenAttempt {
    return new OpenAttempt(endpoint, run.startWatch(endpoint), this.breakers, run.attempts);
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
