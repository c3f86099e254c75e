import { hash } from 'node:crypto';

/** One ledger row as it is hashed. */
export interface ChainRow {
  seq: string;
  /** Every column as a netstring, see docs/tamper-evidence.md; UTF-8 when it is hashed. */
  encoded: string;
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

/** What the first row of a wallet is chained to. */
export function genesisOf(accountId: string, tier: string): Buffer {
  return sha256(Buffer.from(['joytoken-ledger-chain-v1', accountId, tier].map(netstring).join('')));
}

/** Chain hash of a row: SHA-256 over the hash of the row before it and its own bytes. */
export function chainHash(previous: Buffer, row: ChainRow): Buffer {
  return sha256(Buffer.concat([previous, Buffer.from(row.encoded)]));
}

/**
 * Chains rows of one wallet that follow a hash without a gap; rows behind a gap are left out.
 * @param rows ordered by seq.
 * @returns `null` when not even the first one follows.
 */
export function sealRows(
  wallet: { accountId: string; tier: string },
  rows: readonly ChainRow[],
  previousSeq: bigint,
  previousHash: Buffer,
): Segment | null {
  const hashes: Buffer[] = [];
  let head = previousHash;
  let seq = previousSeq;
  for (const row of rows) {
    if (BigInt(row.seq) !== seq + 1n) break;
    seq++;
    head = chainHash(head, row);
    hashes.push(head);
  }
  if (hashes.length === 0) return null;
  return { ...wallet, fromSeq: previousSeq + 1n, toSeq: seq, previousHash, rowHashes: Buffer.concat(hashes) };
}

/** Chain hash of the last row of a segment. */
export function headOf(segment: Pick<Segment, 'rowHashes'>): Buffer {
  return segment.rowHashes.subarray(-HASH_BYTES);
}

export function sha256(bytes: Buffer): Buffer {
  return hash('sha256', bytes, 'buffer');
}

function netstring(text: string): string {
  return `${Buffer.byteLength(text).toString()}:${text},`;
}
