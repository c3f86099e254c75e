import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import type { FreezeState, ReassignRequest } from '../domain/freeze.js';
import type { Freeze, FreezeFilter, Queryable } from '../domain/wallet.js';
import { WalletFreezeEntity } from './wallet-freeze.entity.js';

/** What is owed for a captured freeze. */
export interface ClaimedRow {
  account_id: string;
  id: string;
  tier: string;
  price_id: string;
  amount: string;
  facts: Record<string, unknown>;
  outcome: unknown;
  settle_attempts: number;
}

/** A settlement that failed. */
export interface FailedAttempt {
  accountId: string;
  id: string;
  error: string;
  retryInMs: number;
  attemptsBefore: number;
}

const CLAIM = `select * from wallet_claim($1)`;

const CLAIM_ONE = `select account_id, id, tier, price_id, amount, facts, outcome, settle_attempts from wallet_freeze
  where account_id = $1 and id = $2 and state = 'captured' for no key update skip locked`;

const NOTE_FAILURE = `update wallet_freeze set settle_attempts = settle_attempts + 1, settle_error = $3,
    retry_at = now() + $4 * interval '1 millisecond'
  where account_id = $1 and id = $2 and state = 'captured' and settle_attempts = $5`;

const REASSIGN = `update wallet_freeze set model_id = $3, price_id = $4, facts = facts || $5::jsonb
  where account_id = $1 and id = $2 and state = 'held' returning id`;

const OLDEST_DUE = `select wallet_oldest_due() as age_ms`;

const OPEN = `select count(*)::integer as count, min(created_at) as oldest_at from wallet_freeze where ended_at is null`;

const OPEN_STATES: readonly FreezeState[] = ['held', 'captured'];

/** Freeze rows for settlement, lists and explanations; the hot path does not come here. */
@Injectable()
export class FreezeRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** Captured freezes that are due, oldest first; rows that another worker has locked are passed over. */
  async claim(limit: number): Promise<ClaimedRow[]> {
    return this.dataSource.query<ClaimedRow[]>(CLAIM, [limit]);
  }

  async claimOne(accountId: string, id: string, transaction: Queryable): Promise<ClaimedRow | null> {
    return (await transaction.query<ClaimedRow[]>(CLAIM_ONE, [accountId, id]))[0] ?? null;
  }

  /** @param failure with the attempts that had failed before: one that two workers made at once counts once. */
  async noteFailure(failure: FailedAttempt): Promise<void> {
    const { accountId, id, error, retryInMs, attemptsBefore } = failure;
    await this.dataSource.query(NOTE_FAILURE, [accountId, id, error, retryInMs, attemptsBefore]);
  }

  /** @returns whether the freeze was still held. */
  async reassign({ accountId, id, modelId, priceId, facts }: ReassignRequest): Promise<boolean> {
    const rows = await this.dataSource.query<[unknown[], number]>(REASSIGN, [
      accountId,
      id,
      modelId,
      priceId,
      JSON.stringify(facts),
    ]);
    return rows[1] > 0;
  }

  /** Age of the oldest outcome that waits for its settlement; `null` when none does. */
  async oldestPendingMs(): Promise<number | null> {
    const [row] = await this.dataSource.query<{ age_ms: number | null }[]>(OLDEST_DUE);
    return row?.age_ms ?? null;
  }

  /** How many freezes have not ended, and since when the oldest is open. */
  async open(): Promise<{ count: number; oldestAt: Date | null }> {
    const [row] = await this.dataSource.query<{ count: number; oldest_at: Date | null }[]>(OPEN);
    return { count: row?.count ?? 0, oldestAt: row?.oldest_at ?? null };
  }

  /** Newest first, below `beforeId` when it is given. */
  async list(filter: FreezeFilter, limit: number, beforeId: string | null): Promise<Freeze[]> {
    const query = this.dataSource.getRepository(WalletFreezeEntity).createQueryBuilder('f');
    const states = filter.states ?? OPEN_STATES;
    // One arm a state, so that each can use the partial index of its state.
    const arms = states.map((state) => `f.state = '${state}'`).join(' or ');
    query.where(`(${arms})`);
    if (filter.requestId !== undefined) {
      query.andWhere('(f.id = :requestId or f.clientRequestId = :requestId)', { requestId: filter.requestId });
    }
    if (filter.accountId !== undefined) query.andWhere('f.accountId = :accountId', { accountId: filter.accountId });
    if (filter.apiKeyId !== undefined) query.andWhere('f.apiKeyId = :apiKeyId', { apiKeyId: filter.apiKeyId });
    if (filter.tier !== undefined) query.andWhere('f.tier = :tier', { tier: filter.tier });
    if (filter.createdBefore !== undefined) query.andWhere('f.createdAt < :before', { before: filter.createdBefore });
    if (beforeId !== null) query.andWhere('f.id < :beforeId', { beforeId });
    return (await query.orderBy('f.id', 'DESC').take(limit).getMany()).map(freezeOf);
  }

  async find(accountId: string, id: string): Promise<Freeze | null> {
    const row = await this.dataSource.getRepository(WalletFreezeEntity).findOneBy({ accountId, id });
    return row === null ? null : freezeOf(row);
  }
}

function freezeOf(row: WalletFreezeEntity): Freeze {
  return {
    id: row.id,
    accountId: row.accountId,
    tier: row.tier,
    apiKeyId: row.apiKeyId,
    processId: row.processId,
    state: row.state,
    amountMicros: row.amount,
    extensions: row.extensions,
    modelId: row.modelId,
    priceId: row.priceId,
    clientRequestId: row.clientRequestId,
    stream: row.stream,
    facts: row.facts,
    outcome: row.outcome,
    settleAttempts: row.settleAttempts,
    settleError: row.settleError,
    createdAt: row.createdAt,
    capturedAt: row.capturedAt,
    endedAt: row.endedAt,
  };
}
