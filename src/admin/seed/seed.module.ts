import { Module } from '@nestjs/common';
import { AuthModule } from '../../auth/index.js';
import { ProviderModule } from '../../provider/index.js';
import { RouterModule } from '../../router/index.js';
import { WalletModule } from '../../wallet/index.js';
import { SeedNotesRepository } from '../persistence/seed-notes.repository.js';
import { DemoSeed } from './demo-seed.js';
import { PoolSeed } from './pool-seed.js';
import { SeedService } from './seed.service.js';

/** First admin token, demo data, vendors of the environment. */
@Module({
  imports: [AuthModule, WalletModule, RouterModule, ProviderModule],
  providers: [SeedNotesRepository, PoolSeed, DemoSeed, SeedService],
  exports: [SeedService],
})
export class SeedModule {}
