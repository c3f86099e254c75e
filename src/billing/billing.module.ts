import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EventsModule } from '../events/index.js';
import { QueueModule } from '../platform/queue/index.js';
import { RouterModule } from '../router/index.js';
import { WalletModule } from '../wallet/index.js';
import { CorrectionService } from './correction.service.js';
import { ExplainService } from './explain.service.js';
import { FreezeReleaseService } from './freeze-release.service.js';
import { Housekeeping } from './jobs/housekeeping.js';
import { SettlementProcessor } from './jobs/settlement.processor.js';
import { Sweeper } from './jobs/sweeper.js';
import { CorrectionRepository } from './persistence/correction.repository.js';
import { ReRateRepository } from './persistence/re-rate.repository.js';
import { RequestTraceEntity } from './persistence/request-trace.entity.js';
import { SettlementRepository } from './persistence/settlement.repository.js';
import { TracePackRepository } from './persistence/trace-pack.repository.js';
import { TraceRepository } from './persistence/trace.repository.js';
import { UsageCorrectionEntity } from './persistence/usage-correction.entity.js';
import { UsageRecordEntity } from './persistence/usage-record.entity.js';
import { UsageRepository } from './persistence/usage.repository.js';
import { ReRateService } from './re-rate.service.js';
import { ReceiptService } from './receipt.service.js';
import { RequestSearchService } from './request-search.service.js';
import { RequestTraces } from './request-traces.js';
import { SettlementQueue } from './settlement-queue.js';
import { SettlementService } from './settlement.service.js';
import { UsageService } from './usage.service.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([UsageRecordEntity, UsageCorrectionEntity, RequestTraceEntity]),
    EventsModule,
    QueueModule,
    RouterModule,
    WalletModule,
  ],
  providers: [
    CorrectionRepository,
    CorrectionService,
    ExplainService,
    FreezeReleaseService,
    Housekeeping,
    ReRateRepository,
    ReRateService,
    ReceiptService,
    RequestSearchService,
    RequestTraces,
    SettlementProcessor,
    SettlementQueue,
    SettlementRepository,
    SettlementService,
    Sweeper,
    TraceRepository,
    TracePackRepository,
    UsageRepository,
    UsageService,
  ],
  exports: [
    CorrectionService,
    ExplainService,
    FreezeReleaseService,
    ReRateService,
    ReceiptService,
    RequestSearchService,
    RequestTraces,
    SettlementQueue,
    SettlementService,
    UsageService,
  ],
})
export class BillingModule {}
