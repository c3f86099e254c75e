import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, In } from 'typeorm';
import { micros } from '../../platform/money/index.js';
import { TIERS, type Tier } from '../domain/tier.js';
import type { CreditRequest, LedgerEntry, Queryable, QuotaUsed, WalletBalance } from '../domain/wallet.js';
import { LedgerEntryEntity, WalletEntity } from './wallet.entity.js';

export type CreditOutcome = 'applied' | 'replayed' | 'conflict' | 'too_low' | 'account_missing' | 'account_closed';

export interface CreditRow {
  result: CreditOutcome;
  seq: string | null;
  available: string | null;
  frozen: string | null;
}

const ENSURE = `insert into wallet (account_id, tier) select $1, t from unnest($2::text[]) t order by t on conflict do nothing`;
const CREDIT = `select * from wallet_credit($1, $2, $3, $4, $5, $6)`;
const QUOTA = `select coalesce(sum(used) filter (where day = today), 0) as daily, coalesce(sum(used), 0) as weekly
  from quota_day, (select (now() at time zone 'utc')::date as today) t
  where account_id = $1 and api_key_id = $2
    and day between today - (extract(isodow from today)::integer - 1) and today`;

/** Wallets, ledger rows and quotas, read and credited outside the hot path. */
@Injectable()
export class WalletRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  async ensureWallets(accountId: string, queryable: Queryable): Promise<void> {
    await queryable.query(ENSURE, [accountId, [...TIERS]]);
  }

  /** Every tier, with zeros where there is no row. */
  async balances(accountId: string): Promise<WalletBalance[]> {
    const rows = await this.dataSource.getRepository(WalletEntity).findBy({ accountId });
    return TIERS.map((tier) => {
      const row = rows.find((candidate) => candidate.tier === tier);
      return { tier, availableMicros: row?.available ?? micros(0n), frozenMicros: row?.frozen ?? micros(0n) };
    });
  }

  async quotaUsed(accountId: string, apiKeyId: string): Promise<QuotaUsed> {
    const rows = await this.dataSource.query<{ daily: string; weekly: string }[]>(QUOTA, [accountId, apiKeyId]);
    return { dailyMicros: micros(BigInt(rows[0]?.daily ?? 0)), weeklyMicros: micros(BigInt(rows[0]?.weekly ?? 0)) };
  }

  async credit(kind: 'top_up' | 'adjust', request: CreditRequest): Promise<CreditRow> {
    const { accountId, tier, amountMicros, note } = request;
    const values = [accountId, tier, kind, amountMicros.toString(), `admin:${request.idempotencyKey}`, note];
    const rows = await this.dataSource.query<CreditRow[]>(CREDIT, values);
    if (rows[0] === undefined) throw new Error('the credit function returned nothing');
    return rows[0];
  }

  /** Rows by their keys of idempotency, in the order of their sequence. */
  async entries(accountId: string, idempotencyKeys: readonly string[]): Promise<LedgerEntry[]> {
    const rows = await this.dataSource.getRepository(LedgerEntryEntity).findBy({
      accountId,
      idempotencyKey: In([...idempotencyKeys]),
    });
    return rows.map(entryOf).sort((one, other) => Number(one.seq - other.seq));
  }

  /** Newest first, below `beforeSeq` when it is given. */
  async ledger(accountId: string, tier: Tier, limit: number, beforeSeq: bigint | null): Promise<LedgerEntry[]> {
    const query = this.dataSource
      .getRepository(LedgerEntryEntity)
      .createQueryBuilder('e')
      .where('e.accountId = :accountId and e.tier = :tier', { accountId, tier })
      .orderBy('e.seq', 'DESC')
      .take(limit);
    if (beforeSeq !== null) query.andWhere('e.seq < :beforeSeq', { beforeSeq: beforeSeq.toString() });
    return (await query.getMany()).map(entryOf);
  }
}

function entryOf(row: LedgerEntryEntity): LedgerEntry {
  return {
    id: `${row.tier}:${row.seq}`,
    accountId: row.accountId,
    tier: row.tier,
    seq: BigInt(row.seq),
    kind: row.kind,
    freezeId: row.freezeId,
    availableDeltaMicros: row.availableDelta,
    frozenDeltaMicros: row.frozenDelta,
    availableAfterMicros: row.availableAfter,
    frozenAfterMicros: row.frozenAfter,
    note: row.note,
    createdAt: row.createdAt,
  };
}
