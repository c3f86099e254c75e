import { Module } from '@nestjs/common';
import { BillingModule } from '../billing/index.js';
import { EventsModule } from '../events/index.js';
import { ProviderModule } from '../provider/index.js';
import { DriftMetrics } from './drift-metrics.js';
import { Reconciler } from './jobs/reconciler.js';
import { RunRepository } from './persistence/run.repository.js';
import { StatementRepository } from './persistence/statement.repository.js';
import { ReconciliationService } from './reconciliation.service.js';
import { StatementService } from './statement.service.js';
import { VerificationModule } from './verification.module.js';

@Module({
  imports: [BillingModule, EventsModule, ProviderModule, VerificationModule],
  providers: [DriftMetrics, Reconciler, ReconciliationService, RunRepository, StatementRepository, StatementService],
  exports: [ReconciliationService, StatementService, VerificationModule],
})
export class ReconciliationModule {}
