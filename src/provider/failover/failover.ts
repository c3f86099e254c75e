import { Injectable } from '@nestjs/common';
import type { CallRun } from '../attempt/call-run.js';
import { untriedRecord } from '../attempt/open-attempt.js';
import { EndpointBreakers } from '../breaker/endpoint-breakers.js';
import type { Endpoint } from '../domain/endpoint.js';
import { UpstreamFailure } from '../domain/failure.js';
import { RetryAfterTracker } from './retry-after-tracker.js';
import { callerFaultError, verdictOf, type FailedEndpoint } from './verdict.js';

type TryOne<T> = (endpoint: Endpoint) => Promise<T>;
type Tried<T> = { answer: T } | UpstreamFailure;

/** Before a second try; drawn, so that callers who failed together do not come back together. */
const BACKOFF_MS = { least: 100, most: 400 };

/** Callers who wait for the end of one limit come back over so long a time. */
const LIMIT_SPREAD_MS = 100;

/** An endpoint that may get another try when every other one has had its first. */
interface Waiting {
  endpoint: Endpoint;
  /** On the clock of `performance.now()`. */
  readyAtMs: number;
  /** It was not called yet: its limit still ran. */
  isUntried: boolean;
}

/** What the tries of one call have come to. */
interface Trials {
  failed: FailedEndpoint[];
  waiting: Waiting[];
}

/**
 * Tries the endpoints of a call until one answers: first each of them once, in order, then those once more that a second try is
 * likely to help: the request never got through, a single 500, or a limit that is lifted within the time that the operator allows
 * for waiting. A silent one gets no second try. Nothing is waited for while an endpoint is untried.
 */
@Injectable()
export class Failover {
  constructor(
    private readonly breakers: EndpointBreakers,
    private readonly limits: RetryAfterTracker,
  ) {}

  /**
   * @param tryOne makes one attempt and records it.
   * @returns the first answer.
   * @throws AppError `invalid_request`, `upstream_failed`, `rate_limited`, `unavailable` or `deadline`, with the attempts as
   *   facts; CallerGoneError.
   */
  async firstAnswer<T>(run: CallRun, tryOne: TryOne<T>): Promise<T> {
    const trials: Trials = { failed: [], waiting: [] };
    const found = (await this.tryEach(run, trials, tryOne)) ?? (await this.tryAgain(run, trials, tryOne));
    if (found !== null) return found.answer;
    throw this.verdict(run, trials.failed);
  }

  /** Every endpoint once, but those at their limit. */
  private async tryEach<T>(run: CallRun, trials: Trials, tryOne: TryOne<T>): Promise<{ answer: T } | null> {
    for (const endpoint of run.request.endpoints) {
      if (run.isOutOfAttempts || run.isOutOfTime) return null;
      const limitMs = this.limits.waitMs(endpoint);
      if (limitMs > 0) {
        trials.waiting.push({ endpoint, readyAtMs: performance.now() + limitMs, isUntried: true });
        continue;
      }
      if (!mayServe(endpoint, trials.failed)) continue;
      const result = await this.tryOnce(run, endpoint, tryOne);
      if (!(result instanceof UpstreamFailure)) return result;
      trials.failed.push({ endpoint, failure: result });
      if (this.isWorthAnother(result)) {
        trials.waiting.push({ endpoint, readyAtMs: performance.now() + readyInMs(result), isUntried: false });
      }
    }
    return null;
  }

  /** Second tries, and first ones of endpoints at their limit; the one that is ready first comes first. */
  private async tryAgain<T>(run: CallRun, trials: Trials, tryOne: TryOne<T>): Promise<{ answer: T } | null> {
    for (const { endpoint, readyAtMs, isUntried } of trials.waiting.sort(bySoonest)) {
      if (!mayServe(endpoint, trials.failed)) continue;
      const limitMs = this.limits.waitMs(endpoint);
      const backoffMs = Math.max(0, readyAtMs - performance.now());
      const waitMs = limitMs > 0 ? limitMs + Math.random() * LIMIT_SPREAD_MS : backoffMs;
      if (run.isOutOfAttempts || !run.isWorthWaiting(endpoint, limitMs) || !run.hasTimeFor(waitMs)) {
        if (isUntried) trials.failed.push({ endpoint, failure: this.untriedLimited(run, endpoint, limitMs) });
        continue;
      }
      await run.sleep(waitMs);
      const result = await this.tryOnce(run, endpoint, tryOne);
      if (!(result instanceof UpstreamFailure)) return result;
      trials.failed.push({ endpoint, failure: result });
    }
    return null;
  }

  /** A limit without a time may last long, so the same call does not try again. */
  private isWorthAnother({ failure, retrySame, retryAfterS }: UpstreamFailure): boolean {
    return retrySame || (failure === 'rate_limited' && retryAfterS !== null);
  }

  private async tryOnce<T>(run: CallRun, endpoint: Endpoint, tryOne: TryOne<T>): Promise<Tried<T>> {
    run.checkCaller();
    if (!this.breakers.tryPass(endpoint, run.mark)) {
      return untried(run, endpoint, new UpstreamFailure('breaker_open', 'breaker_open'));
    }
    try {
      const answer = await tryOne(endpoint);
      this.limits.clear(endpoint);
      return { answer };
    } catch (error) {
      if (!(error instanceof UpstreamFailure)) throw error;
      if (error.failure === 'caller_fault' && !mayBeTakenElsewhere(error)) throw callerFaultError(error, run.attempts);
      this.limits.note(endpoint, error);
      return error;
    }
  }

  private untriedLimited(run: CallRun, endpoint: Endpoint, limitMs: number): UpstreamFailure {
    // A server that is overloaded asks for time as well; that is not a limit of the account.
    const isOverload = /^http_5/.test(this.limits.reasonOf(endpoint) ?? '');
    const failure = isOverload ? 'endpoint_fault' : 'rate_limited';
    return untried(run, endpoint, new UpstreamFailure(failure, 'retry_after', { retryAfterS: limitMs / 1000 }));
  }

  private verdict(run: CallRun, failed: readonly FailedEndpoint[]): Error {
    const failures = failed.map(({ failure }) => failure);
    // Whatever else went wrong elsewhere: a shorter prompt is what helps.
    const tooLong = failures.findLast(({ isContextLength }) => isContextLength);
    if (tooLong !== undefined) return callerFaultError(tooLong, run.attempts);
    // Only if no endpoint can do it: where one can and is out of order, another try helps.
    const [first] = failures;
    if (first !== undefined && failures.every(({ failure }) => failure === 'caller_fault')) {
      return callerFaultError(first, run.attempts);
    }
    const { callerId, endpoints } = run.request;
    const shutWaits = new Map(this.breakers.waitsOfModel(endpoints[0]?.modelId ?? '', callerId));
    for (const { id } of endpoints) shutWaits.delete(id);
    return verdictOf({
      attempts: run.attempts,
      failed,
      othersWaitMs: [...shutWaits.values()],
      isOutOfTime: run.isOutOfTime,
      readyInMs: (endpoint) => Math.max(this.breakers.waitMs(endpoint.id, callerId), this.limits.waitMs(endpoint)),
    });
  }
}

function bySoonest(left: Waiting, right: Waiting): number {
  return left.readyAtMs - right.readyAtMs;
}

function readyInMs({ retrySame, retryAfterS }: UpstreamFailure): number {
  if (!retrySame) return (retryAfterS ?? 0) * 1000;
  return BACKOFF_MS.least + Math.random() * (BACKOFF_MS.most - BACKOFF_MS.least);
}

/** Whether nothing that was said of the request elsewhere holds for this endpoint as well. */
function mayServe(endpoint: Endpoint, failed: readonly FailedEndpoint[]): boolean {
  return failed.every(({ endpoint: refusing, failure }) => {
    if (failure.isUnsupported) return endpoint.adapter !== refusing.adapter;
    if (failure.isIncapable) return endpoint.providerId !== refusing.providerId;
    return !failure.isContextLength || mayHoldMore(endpoint, refusing);
  });
}

function mayBeTakenElsewhere({ isContextLength, isIncapable, isUnsupported }: UpstreamFailure): boolean {
  return isContextLength || isIncapable || isUnsupported;
}

/** A prompt was too long for one endpoint: another takes it unless both say how much fits and it is not more. */
function mayHoldMore({ contextWindow }: Endpoint, refusing: Endpoint): boolean {
  return contextWindow === null || refusing.contextWindow === null || contextWindow > refusing.contextWindow;
}

function untried(run: CallRun, endpoint: Endpoint, failure: UpstreamFailure): UpstreamFailure {
  run.attempts.push(untriedRecord(endpoint, failure));
  return failure;
}
