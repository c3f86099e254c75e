import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { inTransaction } from '../../platform/database/index.js';
import type { Checkpoint } from '../domain/checkpoint.js';
import type { ChainRow, Segment } from '../domain/ledger-chain.js';
import type { Queryable } from '../domain/wallet.js';
import { ENCODED_ROW } from './encoded-row.js';

/** A wallet and the last of its rows that is sealed. */
export interface SealedWallet {
  account_id: string;
  tier: string;
  /** `0` when nothing is. */
  seq: string;
  hash: Buffer | null;
}

/** A wallet with rows that are not sealed yet. */
export interface Backlog {
  account_id: string;
  tier: string;
  rows: string;
}

/** A row with the place of its wallet or segment in the list that was asked for, from 1. */
export interface PlacedRow extends ChainRow {
  no: number;
}

interface CheckpointRow {
  number: string;
  sealed_at: Date;
  previous_hash: Buffer;
  heads: string;
  hash: Buffer;
  key_id: string;
  signature: Buffer;
}

/** One process at a time does each of these on a database; the keys are arbitrary. */
const LOCKS = { seal: 7_052_026_101, publish: 7_052_026_102 } as const;

const CHECKPOINT_COLUMNS = 'number, sealed_at, previous_hash, heads, hash, key_id, signature';

const TRY_LOCK = `select pg_try_advisory_xact_lock($1) as locked, date_trunc('milliseconds', now()) as now`;
const BACKLOG = `select w.account_id, w.tier, w.seq - coalesce(c.seq, 0) as rows
  from wallet w left join ledger_chain c using (account_id, tier)
  where w.seq > coalesce(c.seq, 0) order by rows desc limit $1`;
const SEALED = `select k.account_id, k.tier, coalesce(s.to_seq, 0) as seq, s.hash
  from unnest($1::uuid[], $2::text[]) with ordinality as k (account_id, tier, no)
  left join lateral (select to_seq, substring(row_hashes from octet_length(row_hashes) - 31) as hash from ledger_seal r
    where r.account_id = k.account_id and r.tier = k.tier order by r.to_seq desc limit 1) s on true
  order by k.no`;
const ROWS_AFTER = `select k.no::integer as no, e.seq, ${ENCODED_ROW} as encoded
  from unnest($1::uuid[], $2::text[], $3::bigint[]) with ordinality as k (account_id, tier, seq, no)
  cross join lateral (select * from ledger_entry r
    where r.account_id = k.account_id and r.tier = k.tier and r.seq > k.seq order by r.seq limit $4) e
  order by k.no, e.seq`;
const ADD_CHECKPOINT = `insert into ledger_checkpoint (${CHECKPOINT_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7)`;
const ADD_SEALS = `insert into ledger_seal (account_id, tier, from_seq, to_seq, checkpoint, previous_hash, row_hashes)
  select k.account_id, k.tier, k.from_seq, k.to_seq, $7, k.previous_hash, k.row_hashes
    from unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[])
      as k (account_id, tier, from_seq, to_seq, previous_hash, row_hashes)`;
const MOVE_CHAINS = `insert into ledger_chain as c (account_id, tier, seq, hash)
  select * from unnest($1::uuid[], $2::text[], $3::bigint[], $4::bytea[])
  on conflict (account_id, tier) do update set seq = excluded.seq, hash = excluded.hash`;
const LAST_CHECKPOINT = `select ${CHECKPOINT_COLUMNS} from ledger_checkpoint order by number desc limit 1`;
const CHECKPOINTS_AFTER = `select ${CHECKPOINT_COLUMNS} from ledger_checkpoint where number > $1 order by number limit $2`;
const READ_CURSOR = `select value ->> 'number' as number from gateway_setting where name = $1`;
const WRITE_CURSOR = `insert into gateway_setting (name, value) values ($1, jsonb_build_object('number', $2::text))
  on conflict (name) do update set value = excluded.value, updated_at = now()`;

/** What the sealer reads and writes. */
@Injectable()
export class SealRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** Wallets with rows to seal, the longest backlog first. */
  backlog(limit: number): Promise<Backlog[]> {
    return this.dataSource.query<Backlog[]>(BACKLOG, [limit]);
  }

  /**
   * Runs `work` while no other process does the same, in one transaction.
   * @returns `null` when another process does.
   */
  async alone<T>(what: keyof typeof LOCKS, work: (transaction: Queryable, now: Date) => Promise<T>): Promise<T | null> {
    return inTransaction(this.dataSource, async (transaction) => {
      const [answer] = await transaction.query<{ locked: boolean; now: Date }[]>(TRY_LOCK, [LOCKS[what]]);
      return answer?.locked === true ? work(transaction, answer.now) : null;
    });
  }

  /** What the seals themselves say, whatever `ledger_chain` has kept. */
  sealed(wallets: readonly Pick<Backlog, 'account_id' | 'tier'>[], transaction: Queryable): Promise<SealedWallet[]> {
    const values = [wallets.map((wallet) => wallet.account_id), wallets.map((wallet) => wallet.tier)];
    return transaction.query<SealedWallet[]>(SEALED, values);
  }

  /** Rows behind the sealed ones, at most `limit` a wallet, in the order of `wallets` and of their sequence. */
  rowsAfter(wallets: readonly SealedWallet[], limit: number, transaction: Queryable): Promise<PlacedRow[]> {
    const accounts = wallets.map((wallet) => wallet.account_id);
    const tiers = wallets.map((wallet) => wallet.tier);
    const seqs = wallets.map((wallet) => wallet.seq);
    return transaction.query<PlacedRow[]>(ROWS_AFTER, [accounts, tiers, seqs, limit]);
  }

  async lastCheckpoint(queryable: Queryable = this.dataSource): Promise<Checkpoint | null> {
    const [row] = await queryable.query<CheckpointRow[]>(LAST_CHECKPOINT);
    return row === undefined ? null : checkpointOf(row);
  }

  async checkpointsAfter(number: bigint, limit: number): Promise<Checkpoint[]> {
    const rows = await this.dataSource.query<CheckpointRow[]>(CHECKPOINTS_AFTER, [number.toString(), limit]);
    return rows.map(checkpointOf);
  }

  async add(checkpoint: Checkpoint, segments: readonly Segment[], transaction: Queryable): Promise<void> {
    const { number, sealedAt, previousHash, heads, hash, keyId, signature } = checkpoint;
    await transaction.query(ADD_CHECKPOINT, [number.toString(), sealedAt, previousHash, heads, hash, keyId, signature]);
    const accounts = segments.map((segment) => segment.accountId);
    const tiers = segments.map((segment) => segment.tier);
    await transaction.query(ADD_SEALS, [
      accounts,
      tiers,
      segments.map((segment) => segment.fromSeq.toString()),
      segments.map((segment) => segment.toSeq.toString()),
      segments.map((segment) => segment.previousHash),
      segments.map((segment) => segment.rowHashes),
      number.toString(),
    ]);
  }

  /** Notes how far wallets are sealed, so that the next run finds only what is new. */
  async moveChains(wallets: readonly SealedWallet[], transaction: Queryable): Promise<void> {
    const sealed = wallets.filter(({ hash }) => hash !== null);
    await transaction.query(MOVE_CHAINS, [
      sealed.map((wallet) => wallet.account_id),
      sealed.map((wallet) => wallet.tier),
      sealed.map((wallet) => wallet.seq),
      sealed.map((wallet) => wallet.hash),
    ]);
  }

  /** Number of the last checkpoint that a receiver has taken; 0 when none. */
  async cursor(name: string): Promise<bigint> {
    const [row] = await this.dataSource.query<{ number: string }[]>(READ_CURSOR, [name]);
    return BigInt(row?.number ?? 0);
  }

  async moveCursor(name: string, number: bigint): Promise<void> {
    await this.dataSource.query(WRITE_CURSOR, [name, number.toString()]);
  }
}

export function checkpointOf(row: CheckpointRow): Checkpoint {
  return {
    number: BigInt(row.number),
    sealedAt: row.sealed_at,
    previousHash: row.previous_hash,
    heads: row.heads,
    hash: row.hash,
    keyId: row.key_id,
    signature: row.signature,
  };
}
