import { createHash } from 'node:crypto';

/** One ledger row with every column as text, exactly as it is stored. */
export interface ChainRow {
  account_id: string;
  tier: string;
  seq: string;
  kind: string;
  freeze_id: string | null;
  available_delta: string;
  frozen_delta: string;
  available_after: string;
  frozen_after: string;
  idempotency_key: string;
  note: string | null;
  /** Microseconds since 1970. */
  created_at_us: string;
}

/** A run of rows of one wallet and their chain hashes. */
export interface Segment {
  accountId: string;
  tier: string;
  fromSeq: bigint;
  toSeq: bigint;
  previousHash: Buffer;
  /** 32 bytes a row, in order. */
  rowHashes: Buffer;
}

export const HASH_BYTES = 32;

/** The columns of a row in the order in which they are hashed. */
const COLUMNS = [
  'account_id',
  'tier',
  'seq',
  'kind',
  'freeze_id',
  'available_delta',
  'frozen_delta',
  'available_after',
  'frozen_after',
  'idempotency_key',
  'note',
  'created_at_us',
] as const satisfies readonly (keyof ChainRow)[];

/**
 * The bytes of a row that are hashed: each column as a netstring (`<length in bytes>:<UTF-8>,`), NULL as `-,`. No two rows
 * have the same bytes.
 */
export function encodeRow(row: ChainRow): Buffer {
  return Buffer.from(COLUMNS.map((column) => netstring(row[column])).join(''));
}

/** What the first row of a wallet is chained to. */
export function genesisOf(accountId: string, tier: string): Buffer {
  return sha256(Buffer.from(['joytoken-ledger-chain-v1', accountId, tier].map(netstring).join('')));
}

/** Chain hash of a row: SHA-256 over the hash of the row before it and its own bytes. */
export function chainHash(previous: Buffer, row: ChainRow): Buffer {
  return sha256(Buffer.concat([previous, encodeRow(row)]));
}

/**
 * Chains rows of one wallet that follow `previousSeq` without a gap; rows behind a gap are left out.
 * @param rows ordered by seq.
 * @returns `null` when not even the first one follows.
 */
export function sealRows(rows: readonly ChainRow[], previousSeq: bigint, previousHash: Buffer): Segment | null {
  const hashes: Buffer[] = [];
  let hash = previousHash;
  for (const row of rows) {
    if (BigInt(row.seq) !== previousSeq + BigInt(hashes.length) + 1n) break;
    hash = chainHash(hash, row);
    hashes.push(hash);
  }
  const [first] = rows;
  if (first === undefined || hashes.length === 0) return null;
  return {
    accountId: first.account_id,
    tier: first.tier,
    fromSeq: previousSeq + 1n,
    toSeq: previousSeq + BigInt(hashes.length),
    previousHash,
    rowHashes: Buffer.concat(hashes),
  };
}

/** Chain hash of the last row of a segment. */
export function headOf(segment: Pick<Segment, 'rowHashes'>): Buffer {
  return segment.rowHashes.subarray(-HASH_BYTES);
}

export function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function netstring(text: string | null): string {
  return text === null ? '-,' : `${Buffer.byteLength(text).toString()}:${text},`;
}
