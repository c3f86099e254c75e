import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, In, type SelectQueryBuilder } from 'typeorm';
import { requestIdFloor, REQUEST_ID_PREFIX } from '../../platform/ids/index.js';
import { usdMicros, type UsdMicros } from '../../platform/money/index.js';
import type { UsageFilter, UsageRecord } from '../domain/usage.js';
import type { Found } from './trace.repository.js';
import { UsageRecordEntity } from './usage-record.entity.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Records of requests whose freeze has ended. */
@Injectable()
export class UsageRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** Newest first, below `beforeId` when it is given. */
  async list(filter: UsageFilter, limit: number, beforeId: string | null): Promise<UsageRecord[]> {
    const query = this.dataSource.getRepository(UsageRecordEntity).createQueryBuilder('u').where('true');
    narrow(query, filter);
    if (beforeId !== null) query.andWhere('u.requestId < :beforeId', { beforeId });
    return (await query.orderBy('u.requestId', 'DESC').take(limit).getMany()).map(recordOf);
  }

  async findById(requestId: string): Promise<UsageRecord | null> {
    const row = await this.dataSource.getRepository(UsageRecordEntity).findOneBy({ requestId });
    return row === null ? null : recordOf(row);
  }

  /** In no order; requests without a record are left out. */
  async findByIds(requestIds: readonly string[]): Promise<UsageRecord[]> {
    const repository = this.dataSource.getRepository(UsageRecordEntity);
    return (await repository.findBy({ requestId: In([...requestIds]) })).map(recordOf);
  }

  /** The newest record with a client id, within one key when it is given. */
  async findByClientId(clientRequestId: string, apiKeyId: string | null): Promise<Found<UsageRecord> | null> {
    const where = apiKeyId === null ? { clientRequestId } : { clientRequestId, apiKeyId };
    const [[newest], matches] = await this.dataSource
      .getRepository(UsageRecordEntity)
      .findAndCount({ where, order: { requestId: 'DESC' }, take: 1 });
    return newest === undefined ? null : { newest: recordOf(newest), matches };
  }
}

function narrow(query: SelectQueryBuilder<UsageRecordEntity>, filter: UsageFilter): void {
  const { requestId, apiKeyId, accountId, model, provider, tier, status, from, to } = filter;
  if (requestId !== undefined) {
    const column = requestId.startsWith(REQUEST_ID_PREFIX) ? 'u.requestId' : 'u.clientRequestId';
    query.andWhere(`${column} = :requestId`, { requestId });
  }
  if (apiKeyId !== undefined) query.andWhere('u.apiKeyId = :apiKeyId', { apiKeyId });
  if (accountId !== undefined) query.andWhere('u.accountId = :accountId', { accountId });
  if (model !== undefined) query.andWhere(`${UUID.test(model) ? 'u.modelId' : 'u.modelKey'} = :model`, { model });
  if (provider !== undefined) query.andWhere('u.provider = :provider', { provider });
  if (tier !== undefined) query.andWhere('u.tier = :tier', { tier });
  if (status !== undefined) query.andWhere('u.status = :status', { status });
  // Ids are in order of time, so a time is a range of the index that the list is read from.
  if (from !== undefined) query.andWhere('u.requestId >= :from', { from: requestIdFloor(from.getTime()) });
  if (to !== undefined) query.andWhere('u.requestId < :to', { to: requestIdFloor(to.getTime()) });
}

function recordOf(row: UsageRecordEntity): UsageRecord {
  return {
    requestId: row.requestId,
    clientRequestId: row.clientRequestId,
    apiKeyId: row.apiKeyId,
    accountId: row.accountId,
    modelId: row.modelId,
    modelKey: row.modelKey,
    provider: row.provider,
    tier: row.tier,
    stream: row.stream,
    status: row.status,
    inputTokens: row.inputTokens,
    outputTokens: row.outputTokens,
    cachedInputTokens: row.cachedInputTokens,
    cachedOutputTokens: row.cachedOutputTokens,
    frozenMicros: row.frozen,
    creditsUsedMicros: row.creditsUsed,
    creditsChargedMicros: row.creditsCharged,
    shortfallMicros: row.shortfall,
    usdCostMicros: row.usdCost,
    providerCostUsdMicros: row.providerCostUsd,
    marginUsdMicros: usdMicros(chargedUsdOf(row) - row.providerCostUsd),
    usageSource: row.usageSource,
    priceId: row.priceId,
    corrections: row.corrections,
    createdAt: row.createdAt,
    settledAt: row.settledAt,
  };
}

/** The part of the price in USD that was charged: all of it unless there was a shortfall. */
function chargedUsdOf(row: UsageRecordEntity): UsdMicros {
  if (row.creditsUsed === row.creditsCharged) return row.usdCost;
  return usdMicros((row.usdCost * row.creditsCharged) / row.creditsUsed);
}
