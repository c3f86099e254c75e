import { Module } from '@nestjs/common';
import { RollupAuditModule } from '../analytics/index.js';
import { SealModule } from '../wallet/index.js';
import { FullVerifier } from './full-verifier.js';
import { LedgerVerifier } from './ledger-verifier.js';
import { Book } from './persistence/book.js';

/** The verification alone: reads rows, needs nothing that serves requests. */
@Module({
  imports: [RollupAuditModule, SealModule],
  providers: [Book, FullVerifier, LedgerVerifier],
  exports: [FullVerifier, LedgerVerifier],
})
export class VerificationModule {}
