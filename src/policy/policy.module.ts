import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { WalletModule } from '../wallet/index.js';
import { PolicyEntity } from './persistence/policy.entity.js';
import { PolicyRepository } from './persistence/policy.repository.js';
import { PolicySnapshot } from './policy-snapshot.js';
import { PolicyService } from './policy.service.js';
import { QuotaCheck } from './quota-check.js';

/** What a key may do. */
@Module({
  imports: [TypeOrmModule.forFeature([PolicyEntity]), WalletModule],
  providers: [PolicyRepository, PolicySnapshot, QuotaCheck, PolicyService],
  exports: [PolicyService],
})
export class PolicyModule {}
