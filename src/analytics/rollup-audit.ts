import { Injectable, Module } from '@nestjs/common';
import { DAY_MS, floorTo, GRAINS, nextOf, type Grain } from './domain/segments.js';
import { RollupAuditRepository, type RollupDifference } from './persistence/rollup-audit.repository.js';
import { RollupRepository } from './persistence/rollup.repository.js';

/** Differences after which nothing more is looked for. */
const FOUND_MAX = 10_000;
const OF_A_DAY: readonly Grain[] = GRAINS.filter((grain) => grain !== 'week' && grain !== 'month');

export interface RollupAuditOptions {
  /** Sums of one account only, by quarters. */
  accountId?: string | undefined;
  /** Ends the comparison before the next day, with `AbortError`. */
  signal?: AbortSignal | undefined;
}

/**
 * Compares the sums of usage with the records. Each day is compared in a snapshot of its own; what is not rolled up yet, or is
 * marked to be summed again, is read from records and cannot differ.
 */
@Injectable()
export class RollupAudit {
  constructor(private readonly repository: RollupAuditRepository) {}

  /** The first 10,000 differences, in order of time, weeks and months last. @throws `AbortError`, or when the database is away. */
  async differences({ accountId, signal }: RollupAuditOptions = {}): Promise<RollupDifference[]> {
    const found: RollupDifference[] = [];
    const days: number[] = [];
    let dayMs = await this.repository.nextMs(0);
    while (dayMs !== null && found.length < FOUND_MAX) {
      signal?.throwIfAborted();
      const range = { fromMs: floorTo('day', dayMs), toMs: floorTo('day', dayMs) + DAY_MS };
      days.push(range.fromMs);
      const grains = accountId === undefined ? OF_A_DAY : [];
      found.push(...(await this.repository.differences(range, grains, { records: true, accountId })));
      dayMs = await this.repository.nextMs(range.toMs);
    }
    for (const grain of accountId === undefined ? (['week', 'month'] as const) : []) {
      for (const fromMs of new Set(days.map((ms) => floorTo(grain, ms)))) {
        signal?.throwIfAborted();
        if (found.length >= FOUND_MAX) break;
        const range = { fromMs, toMs: nextOf(grain, fromMs) };
        found.push(...(await this.repository.differences(range, [grain], { records: false, accountId })));
      }
    }
    return found.slice(0, FOUND_MAX);
  }
}

/** The comparison alone, for what verifies the books. */
@Module({ providers: [RollupAudit, RollupAuditRepository, RollupRepository], exports: [RollupAudit] })
export class RollupAuditModule {}
