import { Module } from '@nestjs/common';
import { BillingModule } from '../billing/index.js';
import { ProviderModule } from '../provider/index.js';
import { DriftMetrics } from './drift-metrics.js';
import { Reconciler } from './jobs/reconciler.js';
import { LedgerVerifier } from './ledger-verifier.js';
import { Book } from './persistence/book.js';
import { RunRepository } from './persistence/run.repository.js';
import { StatementRepository } from './persistence/statement.repository.js';
import { ReconciliationService } from './reconciliation.service.js';
import { StatementService } from './statement.service.js';

@Module({
  imports: [BillingModule, ProviderModule],
  providers: [
    Book,
    DriftMetrics,
    LedgerVerifier,
    Reconciler,
    ReconciliationService,
    RunRepository,
    StatementRepository,
    StatementService,
  ],
  exports: [LedgerVerifier, ReconciliationService, StatementService],
})
export class ReconciliationModule {}
