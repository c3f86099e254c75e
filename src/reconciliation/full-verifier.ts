import { Injectable } from '@nestjs/common';
import { RollupAudit, type RollupDifference } from '../analytics/index.js';
import { SealService } from '../wallet/index.js';
import type { Difference } from './domain/difference.js';
import { withMore, type VerifyReport } from './domain/report.js';
import { differencesOfSeals, sealSectionView } from './domain/seal-section.js';
import { KEPT_DEFAULT, LedgerVerifier, type VerifyOptions } from './ledger-verifier.js';

export interface FullVerifyOptions extends VerifyOptions {
  /** False leaves the seals out. */
  seals?: boolean | undefined;
  /** Checkpoint files to compare with; the configured one when absent. */
  checkpointFiles?: readonly string[] | undefined;
}

/** One verdict: the figures of the books and the sums of usage against their rows, and the rows against what was sealed. */
@Injectable()
export class FullVerifier {
  constructor(
    private readonly ledger: LedgerVerifier,
    private readonly seals: SealService,
    private readonly rollups: RollupAudit,
  ) {}

  /** @throws when the database is away or a checkpoint file cannot be read, and `AbortError` when it was told to end. */
  async verify(options: FullVerifyOptions = {}): Promise<VerifyReport> {
    const startedMs = performance.now();
    const { checkpointFiles: files, accountId, gently, signal } = options;
    const kept = options.keptMax ?? KEPT_DEFAULT;
    const rows = await this.ledger.verify(options);
    const sums = await this.rollups.differences({ accountId, signal });
    const books = withMore(rows, sums.map(differenceOfSums), kept);
    if (options.seals === false) return { ...books, durationMs: Math.round(performance.now() - startedMs) };
    const seals = await this.seals.verify({ files, accountId, gently, signal });
    const report = withMore(books, differencesOfSeals(seals), kept);
    return { ...report, seals: sealSectionView(seals), durationMs: Math.round(performance.now() - startedMs) };
  }
}

function differenceOfSums({ cube, grain, startsAt, expected, found }: RollupDifference): Difference {
  const subject = `${grain} of ${startsAt.toISOString()}, by ${cube}`;
  return { kind: 'usage_rollup', accountId: null, tier: null, requestId: null, subject, expected, found };
}
