import { LazyCallMark, type CallMark } from '../breaker/call-mark.js';
import type { Attempt, UpstreamRequest } from '../domain/call.js';
import type { Endpoint, EndpointTimeouts } from '../domain/endpoint.js';
import { UNSUPPORTED } from '../domain/failure.js';
import { resolveTimeouts, retryAfterMaxWaitMs } from '../domain/timeouts.js';
import { CallerGoneError } from '../provider.errors.js';
import { AttemptWatch } from './attempt-watch.js';

export interface CallLimits {
  timeouts: EndpointTimeouts;
  attemptsMax: number;
  /** Longest `Retry-After` that is waited for, where the endpoint says nothing else. */
  retryAfterMaxWaitMs: number;
}

/** Reasons of attempts that were stopped before they reached for an upstream. */
const UNTRIED: ReadonlySet<string> = new Set(['breaker_open', 'retry_after', UNSUPPORTED]);

/** What the attempts of one call share: the record of them, the time that is left, and whether the caller is there. */
export class CallRun {
  readonly attempts: Attempt[];
  readonly startedAtMs = performance.now();
  /** The caller's request as written for each upstream model. */
  readonly written = new Map<string, string>();
  /** What breakers remember of this call. */
  readonly mark: CallMark;
  private readonly deadlineAtMs: number;
  private watch: AttemptWatch | null = null;
  private gone: CallerGoneError | null = null;
  private wake: (() => void) | null = null;
  private readonly onAbort = (): void => this.leave();

  constructor(
    readonly request: UpstreamRequest,
    private readonly limits: CallLimits,
  ) {
    const { endpoints, signal, earlierAttempts = [] } = request;
    this.attempts = [...earlierAttempts];
    this.mark = new LazyCallMark(request.callerId, request.body, request.stream);
    // An endpoint that may take longer than configured stretches the call; one that may not ends only its own attempt.
    const totals = endpoints.map((endpoint) => resolveTimeouts(endpoint, limits.timeouts).totalMs);
    this.deadlineAtMs = this.startedAtMs + Math.max(0, ...totals);
    if (signal.aborted) this.leave();
    else signal.addEventListener('abort', this.onAbort, { once: true });
  }

  get elapsedMs(): number {
    return performance.now() - this.startedAtMs;
  }

  get isOutOfTime(): boolean {
    return !this.hasTimeFor(0);
  }

  /** Whether the call may still run after so long a wait. */
  hasTimeFor(waitMs: number): boolean {
    return performance.now() + waitMs < this.deadlineAtMs;
  }

  /** Attempts of this choice of model that reached for an upstream; one that was stopped before is free. */
  get isOutOfAttempts(): boolean {
    const made = this.attempts.slice(this.request.earlierAttempts?.length ?? 0);
    return made.filter(({ reason }) => reason === null || !UNTRIED.has(reason)).length >= this.limits.attemptsMax;
  }

  /** Whether so long a limit of an endpoint is waited for. */
  isWorthWaiting(endpoint: Endpoint, waitMs: number): boolean {
    return waitMs <= retryAfterMaxWaitMs(endpoint, this.limits.retryAfterMaxWaitMs);
  }

  /**
   * Waits.
   * @throws CallerGoneError as soon as the caller hangs up.
   */
  async sleep(waitMs: number): Promise<void> {
    this.checkCaller();
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      timer = setTimeout(resolve, waitMs);
    });
    clearTimeout(timer);
    this.wake = null;
    this.checkCaller();
  }

  /** @throws CallerGoneError when the caller has hung up. */
  checkCaller(): void {
    if (this.gone !== null) throw this.gone;
  }

  /** The clock of the next attempt; the caller's leaving ends it. */
  startWatch(endpoint: Endpoint): AttemptWatch {
    const timeouts = resolveTimeouts(endpoint, this.limits.timeouts);
    const nowMs = performance.now();
    const contentAtMs = this.request.stream ? nowMs + timeouts.firstTokenMs : Number.POSITIVE_INFINITY;
    const watch = new AttemptWatch(timeouts, Math.min(this.deadlineAtMs, nowMs + timeouts.totalMs), contentAtMs);
    watch.traceparent = this.request.traceparent ?? null;
    this.watch = watch;
    return watch;
  }

  /** The call is over: stops listening for the caller's leaving. */
  close(): void {
    this.request.signal.removeEventListener('abort', this.onAbort);
    this.watch?.stop();
    this.watch = null;
  }

  private leave(): void {
    this.gone = new CallerGoneError(this.attempts);
    this.watch?.cancel(this.gone);
    this.wake?.();
  }
}
