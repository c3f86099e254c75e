import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { FreezeDesk } from './freeze-desk.js';
import { FreezeRepository } from './persistence/freeze.repository.js';
import { HotStatements } from './persistence/hot-statements.js';
import { LeaseRepository } from './persistence/lease.repository.js';
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
    SealModule,
    TypeOrmModule.forFeature([
      WalletEntity,
      LedgerEntryEntity,
      QuotaDayEntity,
      PlatformShortfallEntity,
      WalletFreezeEntity,
      ProcessLeaseEntity,
    ]),
  ],
  providers: [
    FreezeDesk,
    FreezeRepository,
    HotStatements,
    LeaseRepository,
    ProcessLease,
    SettlementDesk,
    WalletRepository,
    WalletService,
  ],
  exports: [WalletService, SettlementDesk, SealModule],
})
export class WalletModule {}
