import type { CallMark } from './call-mark.js';

/**
 * Faults of an endpoint since its last good answer, and whose requests met them. A fault that the request may have provoked counts
 * with a bound: one body gives at most half of what opens a breaker, and so do all bodies of one caller against the others. At most
 * `faultsMax` callers with `faultsMax` bodies each are remembered.
 */
export class FaultEvidence {
  private own = 0;
  /** Faults by body, by caller. */
  private readonly provoked = new Map<string, Map<string, number>>();
  private readonly shareMax: number;

  /** @param faultsMax how many open the breaker. */
  constructor(private readonly faultsMax: number) {
    this.shareMax = Math.ceil(faultsMax / 2);
  }

  /** @param mark of the request that may have provoked the fault; `null` when no request could. */
  add(mark: CallMark | null): void {
    if (mark === null) {
      this.own += 1;
      return;
    }
    const bodies = this.provoked.get(mark.caller) ?? new Map<string, number>();
    if (bodies.size === 0 && this.provoked.size >= this.faultsMax) return;
    if (sumOf(bodies) >= this.faultsMax) return;
    this.provoked.set(mark.caller, bodies.set(mark.body, Math.min(this.shareMax, (bodies.get(mark.body) ?? 0) + 1)));
  }

  clear(): void {
    this.own = 0;
    this.provoked.clear();
  }

  /** One more fault of this caller is enough: another process has seen the others. */
  presume(caller: string): void {
    this.provoked.set(caller, new Map([['', this.faultsMax - 1]]));
  }

  /** Whether so many faults say that the endpoint is broken for every caller. */
  isAgainstAll(needed: number): boolean {
    if (this.own >= needed) return true;
    const shares = [...this.provoked.values()].map((bodies) => Math.min(this.shareMax, sumOf(bodies)));
    return shares.length > 1 && this.own + shares.reduce((sum, share) => sum + share, 0) >= needed;
  }

  /** Whether so many faults say that the endpoint is broken for this caller. */
  isAgainst(caller: string, needed: number): boolean {
    return this.own + sumOf(this.provoked.get(caller) ?? new Map<string, number>()) >= needed;
  }
}

function sumOf(bodies: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const faults of bodies.values()) sum += faults;
  return sum;
}
