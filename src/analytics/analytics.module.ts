import { Module } from '@nestjs/common';
import { Roller } from './jobs/roller.js';
import { RollupRepository } from './persistence/rollup.repository.js';
import { StatementRepository } from './persistence/statement.repository.js';
import { SummaryRepository } from './persistence/summary.repository.js';
import { StatementService } from './statement.service.js';
import { UsageSummaryService } from './usage-summary.service.js';

@Module({
  providers: [Roller, RollupRepository, StatementRepository, StatementService, SummaryRepository, UsageSummaryService],
  exports: [StatementService, UsageSummaryService],
})
export class AnalyticsModule {}
