import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EventsModule } from '../events/index.js';
import { FreezeDesk } from './freeze-desk.js';
import { LowBalanceWatch } from './jobs/low-balance-watch.js';
import { LowBalanceService } from './low-balance.service.js';
import { FreezeRepository } from './persistence/freeze.repository.js';
import { HotStatements } from './persistence/hot-statements.js';
import { LeaseKeeper } from './persistence/lease-keeper.js';
import { LeaseRepository } from './persistence/lease.repository.js';
import { LowBalanceWatchEntity } from './persistence/low-balance-watch.entity.js';
import { LowBalanceRepository } from './persistence/low-balance.repository.js';
import { ProcessLeaseEntity, WalletFreezeEntity } from './persistence/wallet-freeze.entity.js';
import {
  LedgerEntryEntity,
  PlatformShortfallEntity,
  QuotaDayEntity,
  WalletEntity,
} from './persistence/wallet.entity.js';
import { WalletRepository } from './persistence/wallet.repository.js';
import { ProcessLease } from './process-lease.js';
import { SealModule } from './seal.module.js';
import { SettlementDesk } from './settlement-desk.js';
import { WalletService } from './wallet.service.js';

@Module({
  imports: [
    EventsModule,
    SealModule,
    TypeOrmModule.forFeature([
      WalletEntity,
      LedgerEntryEntity,
      QuotaDayEntity,
      PlatformShortfallEntity,
      WalletFreezeEntity,
      ProcessLeaseEntity,
      LowBalanceWatchEntity,
    ]),
  ],
  providers: [
    FreezeDesk,
    FreezeRepository,
    HotStatements,
    LeaseKeeper,
    LeaseRepository,
    LowBalanceRepository,
    LowBalanceService,
    LowBalanceWatch,
    ProcessLease,
    SettlementDesk,
    WalletRepository,
    WalletService,
  ],
  exports: [WalletService, LowBalanceService, SettlementDesk, SealModule],
})
export class WalletModule {}
