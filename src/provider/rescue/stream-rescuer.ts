import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { AttemptRunner, type BegunStream } from '../attempt/attempt-runner.js';
import type { CallRun } from '../attempt/call-run.js';
import { EndpointBreakers } from '../breaker/endpoint-breakers.js';
import type { FailureClass, TokenUsage } from '../domain/call.js';
import type { Endpoint } from '../domain/endpoint.js';
import { UpstreamFailure } from '../domain/failure.js';
import { RetryAfterTracker } from '../failover/retry-after-tracker.js';
import { TokenCounter } from '../tokens/token-counter.js';
import { Delivered } from './delivered.js';
import { PrefixMatcher } from './prefix-matcher.js';
import { prefillBody } from './rescue-request.js';
import { usedTokens, type Written } from './used-tokens.js';

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
    private readonly limits: RetryAfterTracker,
  ) {}

  /**
   * @returns the continuation, or `null` when no endpoint could continue truthfully.
   * @throws CallerGoneError.
   */
  async continue(run: CallRun, delivered: Delivered): Promise<Continuation | null> {
    for (const endpoint of this.candidates(run)) {
      if (run.isOutOfAttempts || run.isOutOfTime) return null;
      run.checkCaller();
      const continuation = await this.tryEndpoint(run, endpoint, delivered);
      if (continuation !== null) return continuation;
    }
    return null;
  }

  /** What an attempt has used, for the provider's bill; counted here where the provider has not. */
  usedBy({ stream }: BegunStream, isComplete: boolean, written: Written): TokenUsage {
    return usedTokens(stream.reader, isComplete, written, this.tokens);
  }

  /** Endpoints that have not failed in this call: of the same model first. */
  private candidates(run: CallRun): readonly Endpoint[] {
    if (this.config.STREAM_RESCUE === 'off') return [];
    const { endpoints, rescueEndpoints } = run.request;
    const others = this.config.STREAM_RESCUE === 'any' ? rescueEndpoints : [];
    const tried = new Set(run.attempts.map(({ endpointId }) => endpointId));
    return [...endpoints, ...others].filter(({ id }) => !tried.has(id));
  }

  private async tryEndpoint(run: CallRun, endpoint: Endpoint, delivered: Delivered): Promise<Continuation | null> {
    if (this.limits.waitMs(endpoint) > 0) return null;
    if (endpoint.supportsPrefill && delivered.isContentOnly) {
      const result = await this.tryOnce(run, endpoint, () => this.prefill(run, endpoint, delivered.text()));
      // It refuses what it was declared to take: without the beginning of an answer the request is an ordinary one.
      if (result?.failure !== 'caller_fault') return result?.continuation ?? null;
      if (run.isOutOfAttempts || run.isOutOfTime) return null;
    }
    return (await this.tryOnce(run, endpoint, () => this.startAfresh(run, endpoint, delivered)))?.continuation ?? null;
  }

  /** @returns `null` when the breaker is open. */
  private async tryOnce(
    run: CallRun,
    endpoint: Endpoint,
    begin: () => Promise<Continuation>,
  ): Promise<{ continuation: Continuation | null; failure: FailureClass | null } | null> {
    if (!this.breakers.tryPass(endpoint, run.mark)) return null;
    try {
      return { continuation: await begin(), failure: null };
    } catch (error) {
      if (!(error instanceof UpstreamFailure)) throw error;
      this.limits.note(endpoint, error);
      return { continuation: null, failure: error.failure };
    }
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

  private async startAfresh(run: CallRun, endpoint: Endpoint, delivered: Delivered): Promise<Continuation> {
    const begun = await this.runner.stream(run, endpoint);
    const matcher = new PrefixMatcher(delivered.runs());
    const written = new Delivered();
    try {
      for (;;) {
        const group = await begun.stream.next();
        written.add(group ?? []);
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
      const { body } = run.request;
      begun.attempt.abandon(this.usedBy(begun, false, { body, prefilledTokens: 0, text: written.text() }));
      // Another wording is no fault of the endpoint.
      begun.attempt.fail(error, error instanceof UpstreamFailure && error.reason === 'rescue_mismatch');
      throw error;
    }
  }
}
