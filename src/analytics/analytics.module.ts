import { Module } from '@nestjs/common';
import { Roller } from './jobs/roller.js';
import { RollupRepository } from './persistence/rollup.repository.js';
import { SummaryRepository } from './persistence/summary.repository.js';
import { UsageSummaryService } from './usage-summary.service.js';

@Module({
  providers: [Roller, RollupRepository, SummaryRepository, UsageSummaryService],
  exports: [UsageSummaryService],
})
export class AnalyticsModule {}
