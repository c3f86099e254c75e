import { headOf, HASH_BYTES, sha256, type Segment } from './ledger-chain.js';

/** What was sealed in one transaction. Each is chained to the one before and signed. */
export interface Checkpoint {
  /** From 1, without gaps. */
  number: bigint;
  /** To the millisecond, database time. */
  sealedAt: Date;
  previousHash: Buffer;
  /** One line a segment, see `headLine`. */
  heads: string;
  hash: Buffer;
  keyId: string;
  signature: Buffer;
}

/** A checkpoint as it leaves the database: constant in size, because the heads stay behind as their hash. */
export interface PublishedCheckpoint {
  number: number;
  sealed_at: string;
  segments: number;
  heads_sha256: string;
  previous_hash: string;
  hash: string;
  key_id: string;
  signature: string;
}

/** What the first checkpoint is chained to. */
export const NO_CHECKPOINT = Buffer.alloc(HASH_BYTES);

/** One segment as a checkpoint lists it: account, tier, first and last seq, chain hash of the last row. */
export function headLine(segment: Segment): string {
  const { accountId, tier, fromSeq, toSeq } = segment;
  return `${accountId} ${tier} ${fromSeq.toString()} ${toSeq.toString()} ${headOf(segment).toString('hex')}\n`;
}

/** The heads of a checkpoint; the order of its segments does not matter. */
export function headsOf(segments: readonly Segment[]): string {
  return segments.map(headLine).sort().join('');
}

/** The bytes that are hashed and signed: one line a field. */
export function statementOf(checkpoint: Pick<Checkpoint, 'number' | 'sealedAt' | 'previousHash' | 'heads'>): Buffer {
  return publishedStatement({
    number: Number(checkpoint.number),
    sealed_at: checkpoint.sealedAt.toISOString(),
    segments: segmentsIn(checkpoint.heads),
    heads_sha256: sha256(Buffer.from(checkpoint.heads)).toString('hex'),
    previous_hash: checkpoint.previousHash.toString('hex'),
  });
}

/** The same bytes from what was published. */
export function publishedStatement(
  line: Pick<PublishedCheckpoint, 'number' | 'sealed_at' | 'segments' | 'heads_sha256' | 'previous_hash'>,
): Buffer {
  const fields = [line.number, line.sealed_at, line.segments, line.heads_sha256, line.previous_hash];
  return Buffer.from(['joytoken-ledger-checkpoint-v1', ...fields.map(String), ''].join('\n'));
}

export function hashOf(statement: Buffer): Buffer {
  return sha256(statement);
}

export function publishedOf(checkpoint: Checkpoint): PublishedCheckpoint {
  return {
    number: Number(checkpoint.number),
    sealed_at: checkpoint.sealedAt.toISOString(),
    segments: segmentsIn(checkpoint.heads),
    heads_sha256: sha256(Buffer.from(checkpoint.heads)).toString('hex'),
    previous_hash: checkpoint.previousHash.toString('hex'),
    hash: checkpoint.hash.toString('hex'),
    key_id: checkpoint.keyId,
    signature: checkpoint.signature.toString('base64url'),
  };
}

/** Reads a line of a checkpoint file; `null` when it is none. */
export function readPublished(text: string): PublishedCheckpoint | null {
  try {
    const line = JSON.parse(text) as Partial<PublishedCheckpoint> | null;
    if (!Number.isSafeInteger(line?.number) || !Number.isSafeInteger(line?.segments)) return null;
    const texts = [line?.sealed_at, line?.heads_sha256, line?.previous_hash, line?.hash, line?.key_id, line?.signature];
    return texts.every((field) => typeof field === 'string') ? (line as PublishedCheckpoint) : null;
  } catch {
    return null;
  }
}

function segmentsIn(heads: string): number {
  return heads.split('\n').length - 1;
}
