import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { AttemptRunner, type BegunStream } from '../attempt/attempt-runner.js';
import type { CallRun } from '../attempt/call-run.js';
import { EndpointBreakers } from '../breaker/endpoint-breakers.js';
import type { Endpoint } from '../domain/endpoint.js';
import { UpstreamFailure } from '../domain/failure.js';
import { TokenCounter } from '../tokens/token-counter.js';
import type { Delivered } from './delivered.js';
import { PrefixMatcher } from './prefix-matcher.js';
import { prefillBody } from './rescue-request.js';

/** A stream that goes on where another one broke. */
export interface Continuation extends BegunStream {
  /** Output tokens that the new provider did not write itself: they were its prompt. 0 for a fresh answer. */
  prefilledTokens: number;
}

/**
 * Continues a stream that broke after its first content, on another endpoint: by assistant prefill where that is
 * declared to work, else by a fresh answer that repeats the delivered text exactly. Contract §2.4.
 */
@Injectable()
export class StreamRescuer {
  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'STREAM_RESCUE'>,
    private readonly runner: AttemptRunner,
    private readonly breakers: EndpointBreakers,
    private readonly tokens: TokenCounter,
  ) {}

  /**
   * @returns the continuation, or `null` when nobody could continue truthfully.
   * @throws CallerGoneError.
   */
  async continue(run: CallRun, delivered: Delivered): Promise<Continuation | null> {
    for (const endpoint of this.candidates(run)) {
      if (run.isOutOfAttempts || run.isOutOfTime) return null;
      run.checkCaller();
      if (!this.breakers.tryPass(endpoint)) continue;
      try {
        const continuation = await this.tryEndpoint(run, endpoint, delivered);
        if (continuation !== null) return continuation;
      } catch (error) {
        if (!(error instanceof UpstreamFailure)) throw error;
      }
    }
    return null;
  }

  /** Endpoints that have not failed in this call: of the same model first. */
  private candidates(run: CallRun): readonly Endpoint[] {
    if (this.config.STREAM_RESCUE === 'off') return [];
    const { endpoints, rescueEndpoints } = run.request;
    const others = this.config.STREAM_RESCUE === 'any' ? rescueEndpoints : [];
    const tried = new Set(run.attempts.map(({ endpointId }) => endpointId));
    return [...endpoints, ...others].filter(({ id }) => !tried.has(id));
  }

  private tryEndpoint(run: CallRun, endpoint: Endpoint, delivered: Delivered): Promise<Continuation | null> {
    return endpoint.supportsPrefill && delivered.isContentOnly
      ? this.prefill(run, endpoint, delivered.text())
      : this.startAfresh(run, endpoint, delivered);
  }

  private async prefill(run: CallRun, endpoint: Endpoint, deliveredText: string): Promise<Continuation> {
    const prefilledTokens = this.tokens.count(deliveredText);
    const body = prefillBody(run.request.body, deliveredText, prefilledTokens);
    const begun = await this.runner.stream(run, endpoint, { body, written: new Map() });
    // The caller has had its role chunk.
    const first = (await begun.stream.next()) ?? [];
    begun.stream.putBack(first.filter(({ isContent, usageOnly }) => isContent || usageOnly));
    return { ...begun, prefilledTokens };
  }

  private async startAfresh(run: CallRun, endpoint: Endpoint, delivered: Delivered): Promise<Continuation | null> {
    const begun = await this.runner.stream(run, endpoint);
    const matcher = new PrefixMatcher(delivered.runs());
    try {
      for (;;) {
        const group = await begun.stream.next();
        const result = group === null ? ({ state: 'mismatch' } as const) : matcher.read(group);
        if (result.state === 'matched') {
          begun.stream.putBack(result.rest);
          return { ...begun, prefilledTokens: 0 };
        }
        if (result.state === 'mismatch')
          throw new UpstreamFailure('endpoint_fault', 'rescue_mismatch', { status: 200 });
      }
    } catch (error) {
      begun.stream.cancel();
      // Another wording is no fault of the endpoint.
      begun.attempt.fail(error, error instanceof UpstreamFailure && error.reason === 'rescue_mismatch');
      throw error;
    }
  }
}
