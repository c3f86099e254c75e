import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { inTransaction } from '../../platform/database/index.js';
import type { Segment } from '../domain/ledger-chain.js';
import { ENCODED_ROW } from './encoded-row.js';
import type { PlacedRow } from './seal.repository.js';

/** Ids of the row that a page goes on after. */
export interface SegmentCursor {
  accountId: string;
  tier: string;
  fromSeq: bigint;
}

export interface WalletCursor {
  account_id: string;
  tier: string;
}

/** A segment as its checkpoint should list it. */
export interface SealedHead {
  account_id: string;
  tier: string;
  from_seq: string;
  to_seq: string;
  checkpoint: string;
  head: Buffer;
}

/** The rows of a wallet that are not sealed, counted in one statement so that a running gateway does not disturb. */
export interface WalletTail extends WalletCursor {
  /** Newest row as the wallet says. */
  seq: string;
  sealed: string;
  /** Where the sealer believes that it goes on. */
  said: string;
  rows: string;
  /** Time of the oldest of them. */
  oldest: Date | null;
  /** Newest and oldest row there is; `null` when there is none. */
  last: string | null;
  first: string | null;
}

interface SegmentRow {
  account_id: string;
  tier: string;
  from_seq: string;
  to_seq: string;
  previous_hash: Buffer;
  row_hashes: Buffer;
}

const SEGMENTS = `select account_id, tier, from_seq, to_seq, previous_hash, row_hashes from ledger_seal
  where (account_id, tier, from_seq) > ($1::uuid, $2, $3) order by account_id, tier, from_seq limit $4`;
const ROWS = `select k.no::integer as no, e.seq, ${ENCODED_ROW} as encoded
  from unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[]) with ordinality as k (account_id, tier, from_seq, to_seq, no)
  join ledger_entry e on e.account_id = k.account_id and e.tier = k.tier and e.seq between k.from_seq and k.to_seq
  order by k.no, e.seq`;
const TAILS = `select w.account_id, w.tier, w.seq, coalesce(s.to_seq, 0) as sealed, coalesce(c.seq, 0) as said, t.rows, t.oldest, l.last, f.first
  from (select * from wallet where (account_id, tier) > ($1::uuid, $2) order by account_id, tier limit $3) w
  left join lateral (select to_seq from ledger_seal s where s.account_id = w.account_id and s.tier = w.tier
    order by s.to_seq desc limit 1) s on true
  left join ledger_chain c on c.account_id = w.account_id and c.tier = w.tier
  cross join lateral (select count(*) as rows, min(e.created_at) as oldest from ledger_entry e
    where e.account_id = w.account_id and e.tier = w.tier and e.seq > coalesce(s.to_seq, 0)) t
  left join lateral (select seq as last from ledger_entry e where e.account_id = w.account_id and e.tier = w.tier
    order by seq desc limit 1) l on true
  left join lateral (select seq as first from ledger_entry e where e.account_id = w.account_id and e.tier = w.tier
    order by seq limit 1) f on true
  order by w.account_id, w.tier`;
const FIRST_GAP = `select expected from (
    select seq, $3::bigint + row_number() over (order by seq) as expected from ledger_entry
      where account_id = $1 and tier = $2 and seq > $3) r
  where seq <> expected order by expected limit 1`;
const HEADS = `select account_id, tier, from_seq, to_seq, checkpoint,
    substring(row_hashes from octet_length(row_hashes) - 31) as head
  from ledger_seal where checkpoint between $1 and $2`;
const LONG_TIMEOUT = `set local statement_timeout = '30min'`;
const HASHES = `select number, hash from ledger_checkpoint where number = any($1::bigint[])`;

/** What the verification reads: always one page, never a whole table. */
@Injectable()
export class SealReader {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** By account, tier and sequence. */
  async segments(after: SegmentCursor, limit: number): Promise<Segment[]> {
    const values = [after.accountId, after.tier, after.fromSeq.toString(), limit];
    return (await this.dataSource.query<SegmentRow[]>(SEGMENTS, values)).map((row) => ({
      accountId: row.account_id,
      tier: row.tier,
      fromSeq: BigInt(row.from_seq),
      toSeq: BigInt(row.to_seq),
      previousHash: row.previous_hash,
      rowHashes: row.row_hashes,
    }));
  }

  /** Rows of segments, in their order. */
  rows(segments: readonly Segment[]): Promise<PlacedRow[]> {
    return this.dataSource.query<PlacedRow[]>(ROWS, [
      segments.map((segment) => segment.accountId),
      segments.map((segment) => segment.tier),
      segments.map((segment) => segment.fromSeq.toString()),
      segments.map((segment) => segment.toSeq.toString()),
    ]);
  }

  tails(after: WalletCursor, limit: number): Promise<WalletTail[]> {
    return this.longQuery<WalletTail[]>(TAILS, [after.account_id, after.tier, limit]);
  }

  /** First sequence number behind the sealed rows that is not there although a later one is; `null` without a gap. */
  async firstGap(tail: WalletTail): Promise<bigint | null> {
    const values = [tail.account_id, tail.tier, tail.sealed];
    const rows = await this.longQuery<{ expected: string }[]>(FIRST_GAP, values);
    return rows[0] === undefined ? null : BigInt(rows[0].expected);
  }

  /** Where nothing was sealed for long, the rows of one wallet may be millions. */
  private longQuery<T>(sql: string, values: unknown[]): Promise<T> {
    return inTransaction(this.dataSource, async (transaction) => {
      await transaction.query(LONG_TIMEOUT);
      return transaction.query<T>(sql, values);
    });
  }

  /** Segments of a range of checkpoints. */
  heads(fromNumber: bigint, toNumber: bigint): Promise<SealedHead[]> {
    return this.dataSource.query<SealedHead[]>(HEADS, [fromNumber.toString(), toNumber.toString()]);
  }

  /** Hashes of checkpoints by their number; those that are not there are left out. */
  async hashes(numbers: readonly number[]): Promise<Map<number, string>> {
    const rows = await this.dataSource.query<{ number: string; hash: Buffer }[]>(HASHES, [numbers]);
    return new Map(rows.map(({ number, hash }) => [Number(number), hash.toString('hex')]));
  }
}
