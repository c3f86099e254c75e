import { Module } from '@nestjs/common';
import { BillingModule } from '../billing/index.js';
import { LedgerVerifier } from './ledger-verifier.js';
import { Book } from './persistence/book.js';

@Module({
  imports: [BillingModule],
  providers: [Book, LedgerVerifier],
  exports: [LedgerVerifier],
})
export class ReconciliationModule {}
