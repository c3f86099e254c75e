import { Injectable } from '@nestjs/common';
import { SealService } from '../wallet/index.js';
import { withMore, type VerifyReport } from './domain/report.js';
import { differencesOfSeals, sealSectionView } from './domain/seal-section.js';
import { KEPT_DEFAULT, LedgerVerifier, type VerifyOptions } from './ledger-verifier.js';

export interface FullVerifyOptions extends VerifyOptions {
  /** False leaves the seals out. */
  seals?: boolean | undefined;
  /** Checkpoint files to compare with; the configured one when absent. */
  checkpointFiles?: readonly string[] | undefined;
}

/** One verdict: the figures of the books against their rows, and the rows against what was sealed. */
@Injectable()
export class FullVerifier {
  constructor(
    private readonly ledger: LedgerVerifier,
    private readonly seals: SealService,
  ) {}

  /** @throws when the database is away or a checkpoint file cannot be read, and `AbortError` when it was told to end. */
  async verify(options: FullVerifyOptions = {}): Promise<VerifyReport> {
    const startedMs = performance.now();
    const books = await this.ledger.verify(options);
    if (options.seals === false) return books;
    const { checkpointFiles: files, accountId, gently, signal } = options;
    const seals = await this.seals.verify({ files, accountId, gently, signal });
    const report = withMore(books, differencesOfSeals(seals), options.keptMax ?? KEPT_DEFAULT);
    return { ...report, seals: sealSectionView(seals), durationMs: Math.round(performance.now() - startedMs) };
  }
}
