import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { inTransaction } from '../../platform/database/index.js';
import { micros, usdMicros } from '../../platform/money/index.js';
import type { CorrectedUsage, Correction, CorrectionRequest, UsageSnapshot } from '../domain/correction.js';
import type { UsageRecord } from '../domain/usage.js';
import { UsageCorrectionEntity, type UsageSnapshotRow } from './usage-correction.entity.js';

const CORRECT = 'select result, number from billing_correct($1)';
const UNIQUE_VIOLATION = '23505';

export type CorrectionResult = 'corrected' | 'not_settled' | 'changed_meanwhile' | 'key_used' | 'account_closed';

/** Corrections of settled requests: wallet, quota, usage record and history in one statement. */
@Injectable()
export class CorrectionRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** @param record as it was read; when it has been corrected since, nothing happens. */
  async correct(record: UsageRecord, after: CorrectedUsage, request: CorrectionRequest): Promise<CorrectionResult> {
    const item = {
      account_id: record.accountId,
      id: record.requestId,
      corrections: record.corrections,
      price_id: after.priceId,
      input_tokens: after.inputTokens,
      output_tokens: after.outputTokens,
      cached_input_tokens: after.cachedInputTokens,
      cached_output_tokens: after.cachedOutputTokens,
      used: after.creditsUsedMicros.toString(),
      usd_cost: after.usdCostMicros.toString(),
      provider_cost_usd: after.providerCostUsdMicros.toString(),
      reason: request.reason,
      actor: request.actor,
      idempotency_key: request.idempotencyKey,
    };
    try {
      // A refusal by a unique key must not end a transaction that the caller may have opened.
      const rows = await inTransaction(this.dataSource, (manager) =>
        manager.query<{ result: CorrectionResult }[]>(CORRECT, [JSON.stringify(item)]),
      );
      if (rows[0] === undefined) throw new Error('the correction function returned nothing');
      return rows[0].result;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION) return 'key_used';
      throw error;
    }
  }

  /** Corrections of one request in their order. */
  async list(accountId: string, requestId: string): Promise<Correction[]> {
    const rows = await this.dataSource
      .getRepository(UsageCorrectionEntity)
      .find({ where: { accountId, requestId }, order: { number: 'ASC' } });
    return rows.map(correctionOf);
  }

  async findByKey(accountId: string, idempotencyKey: string): Promise<Correction | null> {
    const row = await this.dataSource.getRepository(UsageCorrectionEntity).findOneBy({ accountId, idempotencyKey });
    return row === null ? null : correctionOf(row);
  }
}

function correctionOf(row: UsageCorrectionEntity): Correction {
  const { accountId, requestId, number, reason, actor, createdAt } = row;
  return {
    accountId,
    requestId,
    number,
    reason,
    actor,
    before: snapshotOf(row.before),
    after: snapshotOf(row.after),
    createdAt,
  };
}

function snapshotOf(row: UsageSnapshotRow): UsageSnapshot {
  return {
    priceId: row.price_id,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    cachedInputTokens: row.cached_input_tokens,
    cachedOutputTokens: row.cached_output_tokens,
    creditsUsedMicros: micros(BigInt(row.credits_used)),
    creditsChargedMicros: micros(BigInt(row.credits_charged)),
    shortfallMicros: micros(BigInt(row.shortfall)),
    usdCostMicros: usdMicros(BigInt(row.usd_cost)),
    providerCostUsdMicros: usdMicros(BigInt(row.provider_cost_usd)),
  };
}
