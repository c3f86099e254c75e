import { Injectable } from '@nestjs/common';
import type { Endpoint } from '../domain/endpoint.js';

/** However long an upstream asks for, it is tried first again after a minute: limits are often lifted early. */
const PATIENCE_MS_MAX = 60_000;

/** Remembers which endpoints asked to be left alone (`Retry-After`); until then they are tried last, not first. */
@Injectable()
export class Patience {
  private readonly untilMs = new Map<string, number>();

  /** An endpoint answered 429; without a `Retry-After` nothing is known and nothing remembered. */
  note(endpointId: string, retryAfterS: number | null): void {
    if (retryAfterS === null) return;
    this.untilMs.set(endpointId, performance.now() + Math.min(PATIENCE_MS_MAX, retryAfterS * 1000));
  }

  /** The endpoints in their order, those that asked for patience behind the others. */
  order(endpoints: readonly Endpoint[]): readonly Endpoint[] {
    if (this.untilMs.size === 0) return endpoints;
    const nowMs = performance.now();
    const waiting = endpoints.filter(({ id }) => this.isWaiting(id, nowMs));
    if (waiting.length === 0) return endpoints;
    return [...endpoints.filter((endpoint) => !waiting.includes(endpoint)), ...waiting];
  }

  private isWaiting(endpointId: string, nowMs: number): boolean {
    const untilMs = this.untilMs.get(endpointId);
    if (untilMs === undefined) return false;
    if (nowMs < untilMs) return true;
    this.untilMs.delete(endpointId);
    return false;
  }
}
