import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { AppError } from '../../platform/errors/index.js';
import { FullVerifier, type FullVerifyOptions, type VerifyReport } from '../../reconciliation/index.js';

const RETRY_AFTER_S = 30;

/** Verifications that operators ask for: one at a time, and none after the process has begun to end. */
@Injectable()
export class LedgerVerification implements BeforeApplicationShutdown {
  private readonly end = new AbortController();
  private isRunning = false;

  constructor(private readonly verifier: FullVerifier) {}

  /** @throws AppError `verification_in_progress`. */
  async run(options: FullVerifyOptions): Promise<VerifyReport> {
    if (this.isRunning) {
      throw new AppError('conflict', 'a verification is under way in this process', {
        code: 'verification_in_progress',
        retryAfterS: RETRY_AFTER_S,
      });
    }
    this.isRunning = true;
    try {
      return await this.verifier.verify({ ...options, signal: this.end.signal });
    } finally {
      this.isRunning = false;
    }
  }

  beforeApplicationShutdown(): void {
    this.end.abort();
  }
}
