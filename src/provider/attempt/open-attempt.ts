import type { CallMark } from '../breaker/call-mark.js';
import type { EndpointBreakers } from '../breaker/endpoint-breakers.js';
import type { Attempt, FailureClass, TokenUsage } from '../domain/call.js';
import type { Endpoint } from '../domain/endpoint.js';
import { UpstreamFailure } from '../domain/failure.js';
import { providerCostOf } from '../domain/provider-cost.js';
import { CallerGoneError } from '../provider.errors.js';
import type { AttemptMeter } from './attempt-meter.js';
import type { AttemptWatch } from './attempt-watch.js';
import type { CallRun } from './call-run.js';

/** What is told how an attempt went. */
export interface AttemptObservers {
  readonly breakers: EndpointBreakers;
  readonly meter: AttemptMeter;
}

/** One attempt that has begun: its line in the record, and its one end. */
export class OpenAttempt {
  private readonly record: Attempt;
  private readonly mark: CallMark;
  private readonly startedAtMs = performance.now();
  private isOver = false;

  constructor(
    readonly endpoint: Endpoint,
    readonly watch: AttemptWatch,
    private readonly observers: AttemptObservers,
    run: Pick<CallRun, 'attempts' | 'mark'>,
  ) {
    this.mark = run.mark;
    this.record = newRecord(endpoint);
    run.attempts.push(this.record);
  }

  /** The first content is there. */
  begin(): void {
    this.record.status = 200;
    this.touch();
    this.observers.breakers.begin(this.endpoint);
  }

  /**
   * The answer is whole.
   * @param lostChunks unreadable chunks that were left out of it.
   */
  succeed(lostChunks = 0): void {
    if (!this.close()) return;
    this.record.status = 200;
    if (lostChunks > 0) this.record.lostChunks = lostChunks;
    this.observers.breakers.succeed(this.endpoint);
    this.observers.meter.observe(this.record);
  }

  /**
   * The attempt failed, for whatever reason it was.
   * @param isFaultless the endpoint did nothing wrong: its breaker is not told.
   */
  fail(error: unknown, isFaultless = false): void {
    if (!this.close()) return;
    const { failure, reason } = describe(error);
    this.record.failure = failure;
    this.record.reason = reason;
    if (error instanceof UpstreamFailure && error.status !== null) this.record.status = error.status;
    // Where nothing was sent, nothing is known of the endpoint.
    const isNeutral = isFaultless || (error instanceof UpstreamFailure && error.isUnsupported);
    this.observers.breakers.fail(this.endpoint, isNeutral ? 'caller_gone' : failure, reason, this.mark);
    this.observers.meter.observe(this.record);
  }

  /** Another attempt goes on, but the provider is paid for what this one wrote. */
  abandon(usage: TokenUsage): void {
    this.record.usage = usage;
    this.record.costUsdMicros = providerCostOf(usage, this.endpoint).toString();
  }

  private close(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    this.watch.stop();
    this.touch();
    return true;
  }

  private touch(): void {
    this.record.durationMs = Math.round(performance.now() - this.startedAtMs);
  }
}

/** The line of an attempt that was stopped before it began: by an open breaker, or by a `Retry-After` that runs. */
export function untriedRecord(endpoint: Endpoint, { failure, reason }: UpstreamFailure): Attempt {
  return { ...newRecord(endpoint), failure, reason };
}

function newRecord({ id, providerName, upstreamModel }: Endpoint): Attempt {
  return {
    endpointId: id,
    provider: providerName,
    upstreamModel,
    status: null,
    durationMs: 0,
    failure: null,
    reason: null,
  };
}

function describe(error: unknown): { failure: FailureClass; reason: string } {
  if (error instanceof UpstreamFailure) {
    return { failure: error.failure, reason: error.isContextLength ? 'context_length' : error.reason };
  }
  if (error instanceof CallerGoneError) return { failure: 'caller_gone', reason: 'caller_gone' };
  return { failure: 'operator_fault', reason: 'internal' };
}
