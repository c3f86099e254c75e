import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Clock } from '../platform/clock/index.js';
import { CONFIG, type Config } from '../platform/config/index.js';
import { AppError } from '../platform/errors/index.js';
import { networkOfClient } from '../platform/net/index.js';
import type { AddressFailures, SharedFailures } from './persistence/failed-login.repository.js';

/** How long refusals of an address are added up. */
export const FAILURES_WINDOW_MS = 60_000;
const ADDRESSES_MAX = 10_000;
const DELAY_FIRST_MS = 100;
const DELAY_MAX_MS = 1_000;
/** Refusals of one address, and of all, that are held back at a time; each holds a connection. */
const HELD_OF_ADDRESS_MAX = 8;
const HELD_MAX = 512;

interface Failures {
  /** Of all processes, as far as this one knows. */
  count: number;
  /** Part of `count` that the other processes do not know yet. */
  unshared: number;
  sinceMs: number;
  held: number;
}

/**
 * Slows callers who guess keys or tokens. One guesser is one IPv4 address or one IPv6 /64. Only refusals are counted and only refusals are held back, so a valid credential
 * pays nothing and is never locked out, whoever guesses from the same address. `SharedFailedLogins` adds the counts of all
 * processes up.
 */
@Injectable()
export class FailedLogins implements OnApplicationShutdown {
  private readonly failures = new LRUCache<string, Failures>({
    max: ADDRESSES_MAX,
    dispose: (_failures, address) => this.waiting.delete(address),
    noDisposeOnSet: true,
  });
  /** Addresses that have something unshared; no more than there are failures. */
  private readonly waiting = new Set<string>();
  private readonly stop = new AbortController();
  private readonly freeAMinute: number;
  private held = 0;

  constructor(
    private readonly clock: Clock,
    @Inject(CONFIG) config: Pick<Config, 'AUTH_FAILURES_PER_MINUTE'>,
  ) {
    this.freeAMinute = config.AUTH_FAILURES_PER_MINUTE;
  }

  /**
   * Counts a refused credential and waits, the longer the more there were.
   * @param address of the client, as `PolicyService.clientIpOf` finds it.
   * @returns whether the refusal was held back or needed not be; `false` when too many are held already, so that the caller
   * can refuse more briefly.
   */
  async hold(address: string): Promise<boolean> {
    const delayMs = this.count(address);
    if (delayMs === 0) return true;
    const failures = this.failures.get(networkOfClient(address));
    if (failures === undefined || failures.held >= HELD_OF_ADDRESS_MAX || this.held >= HELD_MAX) return false;
    failures.held += 1;
    this.held += 1;
    try {
      await sleep(delayMs, undefined, { signal: this.stop.signal, ref: false });
    } catch {
      // The process ends: nothing is held any more.
    } finally {
      failures.held -= 1;
      this.held -= 1;
    }
    return true;
  }

  /** Whether an address has so many refusals held back that its next guess at a short secret is not to be looked at. */
  isCrowded(address: string): boolean {
    return (this.failures.get(networkOfClient(address))?.held ?? 0) >= HELD_OF_ADDRESS_MAX;
  }

  onApplicationShutdown(): void {
    this.stop.abort();
  }

  /** What the other processes do not know yet, those with the most first; they count as told. @param max addresses at most. */
  takeUnshared(max: number): AddressFailures[] {
    const all = [...this.waiting].map((address) => ({ address, count: this.failures.peek(address)?.unshared ?? 0 }));
    const taken = all.sort((left, right) => right.count - left.count).slice(0, max);
    for (const { address } of taken) {
      this.waiting.delete(address);
      const failures = this.failures.peek(address);
      if (failures !== undefined) failures.unshared = 0;
    }
    return taken;
  }

  /** Telling has failed: it will be tried again. */
  putBack(taken: readonly AddressFailures[]): void {
    for (const { address, count } of taken) {
      const failures = this.failures.peek(address);
      if (failures === undefined) continue;
      failures.unshared += count;
      this.waiting.add(address);
    }
  }

  /** Takes over what all processes have counted together, and since when. */
  learn(shared: readonly SharedFailures[]): void {
    const nowMs = this.clock.nowMs();
    for (const { address, count, ageMs } of shared) {
      const failures = this.failures.peek(address);
      if (failures === undefined) continue;
      failures.count = count + failures.unshared;
      failures.sinceMs = nowMs - ageMs;
    }
  }

  /** @returns how long this refusal is to be held back, milliseconds. */
  count(address: string): number {
    if (this.freeAMinute === 0) return 0;
    const nowMs = this.clock.nowMs();
    const network = networkOfClient(address);
    const known = this.failures.get(network);
    const failures = known ?? { count: 0, unshared: 0, sinceMs: nowMs, held: 0 };
    if (nowMs - failures.sinceMs >= FAILURES_WINDOW_MS) {
      failures.count = 0;
      failures.unshared = 0;
      failures.sinceMs = nowMs;
    }
    failures.count += 1;
    failures.unshared += 1;
    if (known === undefined) this.failures.set(network, failures);
    this.waiting.add(network);
    const over = failures.count - this.freeAMinute;
    return over <= 0 ? 0 : Math.min(DELAY_MAX_MS, DELAY_FIRST_MS * 2 ** Math.floor(over / 10));
  }
}

/** 429 for guesses beyond what is held back; says nothing of the credential. */
export function tooManyFailures(): AppError {
  return new AppError('rate_limited', 'too many refused credentials from this address', {
    code: 'too_many_failures',
    retryAfterS: Math.ceil(DELAY_MAX_MS / 1_000),
    hint: 'Wait before you try again; a valid credential is not affected.',
  });
}
