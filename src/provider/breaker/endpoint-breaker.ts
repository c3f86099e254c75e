export interface BreakerOptions {
  /** Faults in a row that open it. */
  faultsMax: number;
  /** How long it stays open before a probe may pass. */
  openMs: number;
}

/** `half_open`: the next call is the probe, or one is on its way. */
export type BreakerState = 'closed' | 'open' | 'half_open';

/**
 * The breaker of one endpoint. Closed: every call passes. Open: none passes for a while. Then half open: one call
 * passes as the probe and decides. Faults count in a row and only when they say something about the endpoint; a fault
 * after the first content counts as well, so an endpoint that breaks every stream opens although each stream began.
 */
export class EndpointBreaker {
  private faults = 0;
  private openUntilMs: number | null = null;
  private probing = false;

  constructor(private readonly options: BreakerOptions) {}

  state(nowMs: number): BreakerState {
    if (this.openUntilMs === null) return 'closed';
    return nowMs < this.openUntilMs ? 'open' : 'half_open';
  }

  /** Whether a call could pass now. */
  isHealthy(nowMs: number): boolean {
    return this.openUntilMs === null || (nowMs >= this.openUntilMs && !this.probing);
  }

  /** Milliseconds until a call could pass. */
  waitMs(nowMs: number): number {
    return this.openUntilMs === null ? 0 : Math.max(0, this.openUntilMs - nowMs);
  }

  /** Lets a call pass, or not. A call that passed must end in `succeed`, `fault` or `release`. */
  tryPass(nowMs: number): boolean {
    if (!this.isHealthy(nowMs)) return false;
    if (this.openUntilMs !== null) this.probing = true;
    return true;
  }

  /**
   * The endpoint began to answer, here or at another process: a probe has its proof, but the next fault opens the breaker
   * again.
   * @returns whether it was open.
   */
  begin(): boolean {
    if (this.openUntilMs === null) return false;
    this.openUntilMs = null;
    this.probing = false;
    this.faults = this.options.faultsMax - 1;
    return true;
  }

  /**
   * The endpoint answered to the end, or rightly refused the caller's request.
   * @returns whether it was open.
   */
  succeed(): boolean {
    const wasOpen = this.openUntilMs !== null;
    this.openUntilMs = null;
    this.probing = false;
    this.faults = 0;
    return wasOpen;
  }

  /** @returns whether this fault opened it. */
  fault(nowMs: number): boolean {
    this.probing = false;
    this.faults += 1;
    if (this.faults < this.options.faultsMax) return false;
    const wasOpen = this.openUntilMs !== null && nowMs < this.openUntilMs;
    this.openUntilMs = nowMs + this.options.openMs;
    return !wasOpen;
  }

  /** Another process opened it: nothing passes until then, and the first fault after it opens it again. */
  learnOpen(untilMs: number): void {
    this.openUntilMs = untilMs;
    this.faults = this.options.faultsMax - 1;
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
  release(): void {
    this.probing = false;
  }
}
