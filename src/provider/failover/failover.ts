import { Injectable } from '@nestjs/common';
import type { CallRun } from '../attempt/call-run.js';
import { untriedRecord } from '../attempt/open-attempt.js';
import { EndpointBreakers } from '../breaker/endpoint-breakers.js';
import type { Endpoint } from '../domain/endpoint.js';
import { UpstreamFailure } from '../domain/failure.js';
import { Patience } from './patience.js';
import { callerFaultError, verdictOf } from './verdict.js';

type TryOne<T> = (endpoint: Endpoint) => Promise<T>;
type Tried<T> = { answer: T } | UpstreamFailure;

/**
 * Tries the endpoints of a call in order until one answers. The same endpoint gets one second try only where that is
 * likely to help: the request never got through, a single 500, or a limit that is lifted within the time that the operator
 * allows for waiting; a silent one never. Nothing else is waited for while another endpoint is ready.
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
  async firstAnswer<T>(run: CallRun, tryOne: TryOne<T>): Promise<T> {
    const failures: UpstreamFailure[] = [];
    const tooSmall: Endpoint[] = [];
    const unable = new Set<string>();
    for (const endpoint of this.patience.order(run.request.endpoints)) {
      if (unable.has(endpoint.adapter)) continue;
      if (!tooSmall.every((refusing) => mayHoldMore(endpoint, refusing))) continue;
      const result = await this.tryTwice(run, endpoint, tryOne);
      if (!(result instanceof UpstreamFailure)) return result.answer;
      failures.push(result);
      if (result.isContextLength) tooSmall.push(endpoint);
      if (result.isUnsupported) unable.add(endpoint.adapter);
      if (run.isOutOfAttempts || run.isOutOfTime) break;
    }
    throw this.verdict(run, failures);
  }

  private async tryTwice<T>(run: CallRun, endpoint: Endpoint, tryOne: TryOne<T>): Promise<Tried<T>> {
    const limitMs = this.patience.waitMs(endpoint.id);
    if (limitMs > 0) {
      if (!run.isWorthWaiting(endpoint, limitMs)) return untried(run, endpoint, stillLimited(limitMs));
      await run.sleep(limitMs);
    }
    const first = await this.tryOnce(run, endpoint, tryOne);
    if (!(first instanceof UpstreamFailure)) return first;
    const second = await this.tryAgain(run, endpoint, first, tryOne);
    const last = second ?? first;
    // One that was worth a second try is a fault now; it was not counted when it happened.
    if (last instanceof UpstreamFailure && last.retrySame) this.breakers.fail(endpoint, last.failure, last.reason);
    return last;
  }

  /** @returns `null` where a second try is not likely to help. */
  private async tryAgain<T>(
    run: CallRun,
    endpoint: Endpoint,
    { failure, retrySame, retryAfterS }: UpstreamFailure,
    tryOne: TryOne<T>,
  ): Promise<Tried<T> | null> {
    if (run.isOutOfAttempts || run.isOutOfTime) return null;
    if (retrySame) return this.tryOnce(run, endpoint, tryOne);
    if (failure !== 'rate_limited' || retryAfterS === null) return null;
    if (!run.isWorthWaiting(endpoint, retryAfterS * 1000)) return null;
    await run.sleep(retryAfterS * 1000);
    return this.tryOnce(run, endpoint, tryOne);
  }

  private async tryOnce<T>(run: CallRun, endpoint: Endpoint, tryOne: TryOne<T>): Promise<Tried<T>> {
    run.checkCaller();
    if (!this.breakers.tryPass(endpoint)) {
      return untried(run, endpoint, new UpstreamFailure('breaker_open', 'breaker_open'));
    }
    try {
      return { answer: await tryOne(endpoint) };
    } catch (error) {
      if (!(error instanceof UpstreamFailure)) throw error;
      if (error.failure === 'caller_fault' && !mayBeTakenElsewhere(error)) throw callerFaultError(error, run.attempts);
      this.patience.note(endpoint, error.retryAfterS, error.reason);
      return error;
    }
  }

  private verdict(run: CallRun, failures: readonly UpstreamFailure[]): Error {
    // Whatever else went wrong elsewhere: a shorter prompt is what helps.
    const tooLong = failures.findLast(({ isContextLength }) => isContextLength);
    if (tooLong !== undefined) return callerFaultError(tooLong, run.attempts);
    // Only where nobody has a word for it: where one has and is out of order, another try helps.
    const [first] = failures;
    if (first !== undefined && failures.every(({ isUnsupported }) => isUnsupported)) {
      return callerFaultError(first, run.attempts);
    }
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

function mayBeTakenElsewhere({ isContextLength, isUnsupported }: UpstreamFailure): boolean {
  return isContextLength || isUnsupported;
}

/** A prompt was too long for one endpoint: another takes it unless both say how much fits and it is not more. */
function mayHoldMore({ contextWindow }: Endpoint, refusing: Endpoint): boolean {
  return contextWindow === null || refusing.contextWindow === null || contextWindow > refusing.contextWindow;
}

function stillLimited(waitMs: number): UpstreamFailure {
  return new UpstreamFailure('rate_limited', 'retry_after', { retryAfterS: Math.ceil(waitMs / 1000) });
}

function untried(run: CallRun, endpoint: Endpoint, failure: UpstreamFailure): UpstreamFailure {
  run.attempts.push(untriedRecord(endpoint, failure));
  return failure;
}
