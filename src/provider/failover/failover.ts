import { Injectable } from '@nestjs/common';
import type { CallRun } from '../attempt/call-run.js';
import { breakerOpenRecord } from '../attempt/open-attempt.js';
import { EndpointBreakers } from '../breaker/endpoint-breakers.js';
import type { Endpoint } from '../domain/endpoint.js';
import { UpstreamFailure } from '../domain/failure.js';
import { Patience } from './patience.js';
import { callerFaultError, verdictOf } from './verdict.js';

/**
 * Tries the endpoints of a call in order until one answers. Never waits between two tries. The same endpoint gets a
 * second try only where that is likely to help: the request never got through, or a single 500; a silent one never.
 */
@Injectable()
export class Failover {
  constructor(
    private readonly breakers: EndpointBreakers,
    private readonly patience: Patience,
  ) {}

  /**
   * @param tryOne makes one attempt and records it.
   * @returns the first answer.
   * @throws AppError `invalid_request`, `upstream_failed`, `unavailable` or `deadline`, with the attempts as facts;
   *   CallerGoneError.
   */
  async firstAnswer<T>(run: CallRun, tryOne: (endpoint: Endpoint) => Promise<T>): Promise<T> {
    const failures: UpstreamFailure[] = [];
    for (const endpoint of this.patience.order(run.request.endpoints)) {
      let result = await this.tryEndpoint(run, endpoint, tryOne);
      if (result instanceof UpstreamFailure && result.retrySame && !run.isOutOfAttempts && !run.isOutOfTime) {
        result = await this.tryEndpoint(run, endpoint, tryOne);
      }
      if (!(result instanceof UpstreamFailure)) return result.answer;
      failures.push(result);
      if (result.retrySame) this.breakers.fail(endpoint, result.failure);
      if (run.isOutOfAttempts || run.isOutOfTime) break;
    }
    throw this.verdict(run, failures);
  }

  private async tryEndpoint<T>(
    run: CallRun,
    endpoint: Endpoint,
    tryOne: (endpoint: Endpoint) => Promise<T>,
  ): Promise<{ answer: T } | UpstreamFailure> {
    run.checkCaller();
    if (!this.breakers.tryPass(endpoint)) {
      run.attempts.push(breakerOpenRecord(endpoint));
      return new UpstreamFailure('breaker_open', 'breaker_open');
    }
    try {
      return { answer: await tryOne(endpoint) };
    } catch (error) {
      if (!(error instanceof UpstreamFailure)) throw error;
      if (error.failure === 'caller_fault') throw callerFaultError(error, run.attempts);
      if (error.failure === 'rate_limited') this.patience.note(endpoint.id, error.retryAfterS);
      return error;
    }
  }

  private verdict(run: CallRun, failures: readonly UpstreamFailure[]): Error {
    const waitsMs = run.request.endpoints.map(({ id }) => this.breakers.waitMs(id));
    return verdictOf({
      attempts: run.attempts,
      retryAfterS: failures.flatMap(({ retryAfterS }) => (retryAfterS === null ? [] : [retryAfterS])),
      breakerWaitMs: Math.min(...waitsMs),
      isOutOfTime: run.isOutOfTime,
      cause: failures.at(-1),
    });
  }
}
