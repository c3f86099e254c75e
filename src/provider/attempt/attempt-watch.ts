import type { EndpointTimeouts } from '../domain/endpoint.js';
import { UpstreamFailure } from '../domain/failure.js';

/** What an attempt is waiting for. */
export type WaitPhase = 'connect' | 'headers' | 'first_event' | 'first_token' | 'idle';

/**
 * The clock and the off switch of one attempt. It knows what the attempt waits for and ends it when that takes too
 * long, when the whole call has no time left, or when the caller hangs up. One timer an attempt, re-armed only when it
 * would fire too late: entering a phase a thousand times a second costs a clock reading each.
 */
export class AttemptWatch {
  /** Trace context of the attempt (W3C), which the transport sends along; `null` when requests are not traced. */
  traceparent: string | null = null;
  private timer: NodeJS.Timeout | null = null;
  private firesAtMs = Number.POSITIVE_INFINITY;
  private phase: WaitPhase | null = null;
  private limitAtMs: number;
  private hasArrived = false;
  private ended: Error | null = null;
  private listener: ((reason: Error) => void) | null = null;

  /**
   * Times are on the clock of `performance.now()`.
   * @param deadlineAtMs end of the attempt.
   * @param contentAtMs until then the first content of a stream must have arrived, whatever the time before goes to.
   */
  constructor(
    readonly timeouts: EndpointTimeouts,
    private readonly deadlineAtMs: number,
    private contentAtMs: number = Number.POSITIVE_INFINITY,
  ) {
    this.limitAtMs = deadlineAtMs;
    this.arm(performance.now());
  }

  /** Why the attempt was ended from outside; `null` while it may go on. */
  get reason(): Error | null {
    return this.ended;
  }

  /** From now on the attempt waits for this, for at most the time-out of the phase. */
  enter(phase: WaitPhase): void {
    const nowMs = performance.now();
    if (phase === 'connect') this.hasArrived = false;
    this.phase = phase === 'first_event' && this.hasArrived ? 'first_token' : phase;
    this.limitAtMs = Math.min(this.deadlineAtMs, this.contentAtMs, nowMs + this.waitMs(this.phase));
    if (this.limitAtMs < this.firesAtMs) this.arm(nowMs);
  }

  /** Bytes of the body have come, whatever they say. */
  arrived(): void {
    this.hasArrived = true;
    if (this.phase === 'first_event') this.enter('first_token');
  }

  /** The first content is there, and nothing is awaited from the upstream (the consumer is busy): only the deadline counts. */
  rest(): void {
    this.phase = null;
    this.contentAtMs = Number.POSITIVE_INFINITY;
    this.limitAtMs = this.deadlineAtMs;
  }

  /** Ends the attempt at once; later calls change nothing. */
  cancel(reason: Error): void {
    if (this.ended !== null) return;
    this.ended = reason;
    this.disarm();
    this.listener?.(reason);
  }

  /** Sets the listener that stops the work when the attempt is ended; called at once when it already is. The last one set counts. */
  onCancel(listener: (reason: Error) => void): void {
    this.listener = listener;
    if (this.ended !== null) listener(this.ended);
  }

  /** The attempt is over: no timer, no listener. */
  stop(): void {
    this.disarm();
    this.listener = null;
  }

  private waitMs(phase: WaitPhase): number {
    switch (phase) {
      case 'connect':
        return this.timeouts.connectMs;
      case 'headers':
        return this.timeouts.headersMs;
      case 'first_event':
        return this.timeouts.firstEventMs;
      case 'first_token':
        return this.timeouts.firstTokenMs;
      case 'idle':
        return this.timeouts.idleMs;
    }
  }

  private arm(nowMs: number): void {
    if (this.ended !== null) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.firesAtMs = this.limitAtMs;
    this.timer = setTimeout(() => this.fire(), Math.max(0, Math.ceil(this.limitAtMs - nowMs)));
  }

  private fire(): void {
    this.timer = null;
    this.firesAtMs = Number.POSITIVE_INFINITY;
    const nowMs = performance.now();
    if (nowMs < this.limitAtMs) return this.arm(nowMs);
    this.cancel(new UpstreamFailure('timeout', `timeout_${this.lateFor()}`));
  }

  private lateFor(): WaitPhase | 'total' {
    if (this.phase === null || this.limitAtMs >= this.deadlineAtMs) return 'total';
    return this.limitAtMs >= this.contentAtMs ? 'first_token' : this.phase;
  }

  private disarm(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.firesAtMs = Number.POSITIVE_INFINITY;
  }
}
