import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CheckpointPublisher } from './checkpoint-publisher.js';
import { Sealer } from './jobs/sealer.js';
import { LedgerChainEntity, LedgerCheckpointEntity, LedgerSealEntity } from './persistence/ledger-seal.entity.js';
import { SealReader } from './persistence/seal.reader.js';
import { SealRepository } from './persistence/seal.repository.js';
import { SealVerifier } from './seal-verifier.js';
import { SealService } from './seal.service.js';

/** The hash chain over the ledger; needs no other part of the wallet. */
@Module({
  imports: [TypeOrmModule.forFeature([LedgerSealEntity, LedgerCheckpointEntity, LedgerChainEntity])],
  providers: [CheckpointPublisher, Sealer, SealReader, SealRepository, SealService, SealVerifier],
  exports: [SealService],
})
export class SealModule {}
