import type { CallMark } from './call-mark.js';
import { FaultEvidence } from './fault-evidence.js';

export interface BreakerOptions {
  /** Faults in a row that open it. */
  faultsMax: number;
  /** How long it stays open before a probe may pass. */
  openMs: number;
}

/** `half_open`: the next call is the probe, or one is on its way. */
export type BreakerState = 'closed' | 'open' | 'half_open';

/** A probe that takes longer keeps the next one no longer away. */
const PROBE_MS_LEAST = 5_000;

/**
 * The breaker of one endpoint. Closed: every call passes. Open: none passes for a while. Then half open: one call
 * passes as the probe and decides. Faults count in a row and only when they say something about the endpoint; a fault
 * after the first content counts as well, so an endpoint that breaks every stream opens although each stream began.
 *
 * Faults that a request may have provoked, all of one caller, keep only that caller away (ADR 20): calls of others pass, and the
 * first good answer closes the breaker. A failed probe of one caller therefore says nothing to the others; the next one of them
 * probes at once.
 */
export class EndpointBreaker {
  private readonly evidence: FaultEvidence;
  private openUntilMs: number | null = null;
  private keptAway: string | null = null;
  /** It was open for every caller and no call has ended well since: one fault is enough to open it again. */
  private isOnTrial = false;
  private probe: { call: string; untilMs: number } | null = null;

  constructor(private readonly options: BreakerOptions) {
    this.evidence = new FaultEvidence(options.faultsMax);
  }

  /** The only caller that an open breaker keeps away (`CallMark`); `null` when it keeps all away. */
  get caller(): string | null {
    return this.keptAway;
  }

  state(nowMs: number): BreakerState {
    if (this.openUntilMs === null) return 'closed';
    return nowMs < this.openUntilMs ? 'open' : 'half_open';
  }

  /** Whether a call of this caller could pass now. */
  isHealthy(nowMs: number, caller: string): boolean {
    if (this.openUntilMs === null) return true;
    if (!this.keepsAway(caller)) return !this.isOnTrial || !this.isProbed(nowMs);
    return nowMs >= this.openUntilMs && !this.isProbed(nowMs);
  }

  /** Milliseconds until a call could pass; without a caller, until one of every caller could. */
  waitMs(nowMs: number, caller: string | null = null): number {
    if (this.openUntilMs === null || (caller !== null && !this.keepsAway(caller))) return 0;
    return Math.max(0, this.openUntilMs - nowMs);
  }

  /** Lets a call pass, or not. A call that passed must end in `succeed`, `fault` or `release`. */
  tryPass(nowMs: number, mark: CallMark): boolean {
    if (this.openUntilMs === null) return true;
    if (!this.isHealthy(nowMs, mark.caller)) return false;
    if (this.isOnTrial || this.keepsAway(mark.caller)) {
      this.probe = { call: callOf(mark), untilMs: nowMs + Math.max(PROBE_MS_LEAST, this.options.openMs) };
    }
    return true;
  }

  /**
   * The endpoint began to answer, here or at another process: a probe has its proof, but the next fault opens the breaker
   * again.
   * @returns whether it was open.
   */
  begin(): boolean {
    this.probe = null;
    if (this.openUntilMs === null) return false;
    this.openUntilMs = null;
    this.keptAway = null;
    return true;
  }

  /**
   * The endpoint answered to the end, or rightly refused the caller's request.
   * @returns whether it was open.
   */
  succeed(): boolean {
    const wasOpen = this.begin();
    this.isOnTrial = false;
    this.evidence.clear();
    return wasOpen;
  }

  /**
   * @param mark of the call that met the fault; `null` when no call did.
   * @param isProvoked the request itself may have been the cause.
   * @returns whether this fault opened it, for one caller or for all.
   */
  fault(nowMs: number, mark: CallMark | null, isProvoked: boolean): boolean {
    if (mark !== null) this.endProbe(mark);
    // Calls that were under way when it opened say nothing new.
    if (this.openUntilMs !== null && nowMs < this.openUntilMs && this.keptAway === null) return false;
    this.evidence.add(isProvoked ? mark : null);
    const needed = this.isOnTrial ? 1 : this.options.faultsMax;
    if (this.evidence.isAgainstAll(needed)) return this.open(nowMs, null);
    return mark !== null && this.evidence.isAgainst(mark.caller, needed) && this.open(nowMs, mark.caller);
  }

  /** Another process opened it: until then no call passes, or none of this caller; the first fault after it opens it again. */
  learnOpen(nowMs: number, untilMs: number, caller: string | null): void {
    const isOpenForAll = this.openUntilMs !== null && nowMs < this.openUntilMs && this.keptAway === null;
    // Two callers, one here and one there, are no accident.
    const isForAll = caller === null || isOpenForAll || (this.keptAway !== null && this.keptAway !== caller);
    this.shut(untilMs, isForAll ? null : caller);
    if (!isForAll) this.evidence.presume(caller);
  }

  /**
   * The wait is over at that time: the next call is the probe.
   * @returns whether that is sooner than it was.
   */
  halfOpen(atMs: number): boolean {
    if (this.openUntilMs === null || this.openUntilMs <= atMs) return false;
    this.openUntilMs = atMs;
    return true;
  }

  /** The call ended without saying anything about the endpoint (the caller left, a rate limit, a wrong key). */
  release(mark: CallMark): void {
    this.endProbe(mark);
  }

  private keepsAway(caller: string): boolean {
    return this.keptAway === null || this.keptAway === caller;
  }

  private isProbed(nowMs: number): boolean {
    return this.probe !== null && nowMs < this.probe.untilMs;
  }

  /** Only the call that holds the place of the probe gives it back. */
  private endProbe(mark: CallMark): void {
    // The mark of a call is a hash of its whole body: not made without need.
    if (this.probe !== null && this.probe.call === callOf(mark)) this.probe = null;
  }

  /** @returns whether that is news. */
  private open(nowMs: number, caller: string | null): boolean {
    const wasOpen = this.openUntilMs !== null && nowMs < this.openUntilMs && this.keptAway === caller;
    this.shut(nowMs + this.options.openMs, caller);
    return !wasOpen;
  }

  private shut(untilMs: number, caller: string | null): void {
    this.openUntilMs = untilMs;
    this.keptAway = caller;
    if (caller !== null) return;
    this.isOnTrial = true;
    this.evidence.clear();
  }
}

function callOf(mark: CallMark): string {
  return `${mark.caller} ${mark.body}`;
}
