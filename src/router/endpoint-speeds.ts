import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Clock } from '../platform/clock/index.js';
import type { Speed } from './domain/score.js';

/** What was seen of one served call. */
export interface ServedCall {
  endpointId: string;
  /** `null` for an answer that came whole. */
  firstTokenMs: number | null;
  durationMs: number;
  outputTokens: number;
}

interface Kept extends Speed {
  seenAtMs: number;
}

const ENDPOINTS_MAX = 10_000;
/** Weight of the newest call. */
const NEWEST = 0.2;
/** After so long a silence nothing is known any more: an endpoint that was slow gets another chance. */
const FORGET_AFTER_MS = 600_000;
/** A shorter answer says more about how soon tokens begin than how fast they come. */
const OUTPUT_TOKENS_MIN = 64;

/**
 * How fast each endpoint has answered lately: moving averages of the time to the first token and of tokens a second, from the
 * calls that this process served. A preference, nothing depends on it: each process learns by itself.
 */
@Injectable()
export class EndpointSpeeds {
  private readonly speeds = new LRUCache<string, Kept>({ max: ENDPOINTS_MAX });

  constructor(private readonly clock: Clock) {}

  observe({ endpointId, firstTokenMs, durationMs, outputTokens }: ServedCall): void {
    const nowMs = this.clock.nowMs();
    const known = this.speedOf(endpointId);
    const writingMs = durationMs - (firstTokenMs ?? 0);
    const tokensPerS = outputTokens >= OUTPUT_TOKENS_MIN && writingMs > 0 ? (outputTokens * 1000) / writingMs : null;
    this.speeds.set(endpointId, {
      firstTokenMs: averaged(known?.firstTokenMs ?? null, firstTokenMs),
      tokensPerS: averaged(known?.tokensPerS ?? null, tokensPerS),
      seenAtMs: nowMs,
    });
  }

  /** `null` when nothing has been seen lately. */
  speedOf(endpointId: string): Speed | null {
    const kept = this.speeds.get(endpointId);
    return kept === undefined || this.clock.nowMs() - kept.seenAtMs > FORGET_AFTER_MS ? null : kept;
  }
}

function averaged(known: number | null, seen: number | null): number | null {
  if (known === null || seen === null) return seen ?? known;
  return known + NEWEST * (seen - known);
}
