import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/index.js';
import type { SignatureChecker } from '../platform/signing/index.js';
import { checkpointLines } from './checkpoint-file.js';
import {
  hashOf,
  NO_CHECKPOINT,
  publishedStatement,
  statementOf,
  type Checkpoint,
  type PublishedCheckpoint,
} from './domain/checkpoint.js';
import { chainHash, genesisOf, HASH_BYTES, type ChainRow, type Segment } from './domain/ledger-chain.js';
import { TIERS } from './domain/tier.js';
import { SealFindings, type SealReport } from './domain/seal-report.js';
import { SealReader, type SegmentCursor, type WalletCursor, type WalletTail } from './persistence/seal.reader.js';
import { SealRepository } from './persistence/seal.repository.js';

export type { SealBreak, SealReport } from './domain/seal-report.js';

export interface SealVerification {
  /** Checkpoint files to compare with; the configured one when absent. */
  files?: readonly string[] | undefined;
  /** The seals of one account only; checkpoints, which are of all, are left out. */
  accountId?: string | undefined;
  /** Rests as long as it has worked after each page. */
  gently?: boolean | undefined;
  /** Ends the verification after the current page, with `AbortError`. */
  signal?: AbortSignal | undefined;
}

/** Up to 2,500 rows: hashed in a few milliseconds, so that requests of the same process need not wait. */
const SEGMENTS_MAX = 10;
const WALLETS_MAX = 200;
const CHECKPOINTS_MAX = 100;
const LINES_MAX = 500;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** How far the chain of one wallet has been recomputed. */
interface Walk {
  accountId: string;
  tier: string;
  seq: bigint;
  hash: Buffer;
  broken: boolean;
}

/** Recomputes every hash from the rows, page by page; finds the first row of each wallet that is not what was sealed. */
@Injectable()
export class SealVerifier {
  constructor(
    private readonly reader: SealReader,
    private readonly repository: SealRepository,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * @param keys what checks signatures; without one (`null`) hashes are compared all the same.
   * @throws Error when a given file cannot be read, and `AbortError` when it was told to end.
   */
  async verify(keys: SignatureChecker | null, options: SealVerification): Promise<SealReport> {
    const findings = new SealFindings(keys !== null);
    const pace = new Pace(options);
    await this.verifySegments(findings, options.accountId, pace);
    await this.verifyTails(findings, options.accountId, pace);
    if (options.accountId !== undefined) return findings.report();
    await this.verifyCheckpoints(keys, findings, pace);
    for (const file of options.files ?? this.configuredFiles()) await this.verifyFile(file, keys, findings, pace);
    return findings.report();
  }

  private configuredFiles(): string[] {
    const { LEDGER_CHECKPOINT_FILE: file } = this.config;
    return file !== undefined && existsSync(file) ? [file] : [];
  }

  private async verifySegments(findings: SealFindings, accountId: string | undefined, pace: Pace): Promise<void> {
    let walk: Walk | null = null;
    let cursor: SegmentCursor = { accountId: accountId ?? FIRST_ID, tier: '', fromSeq: 0n };
    for (;;) {
      const page = await this.reader.segments(cursor, SEGMENTS_MAX);
      const segments = page.filter((segment) => segment.accountId === (accountId ?? segment.accountId));
      const rows = Map.groupBy(await this.reader.rows(segments), ({ no }) => no);
      for (const [at, segment] of segments.entries()) {
        if (walk?.accountId !== segment.accountId || walk.tier !== segment.tier) walk = startOf(segment);
        if (!walk.broken) walk.broken = !followSegment(walk, segment, rows.get(at + 1) ?? [], findings);
        cursor = segment;
      }
      if (segments.length < SEGMENTS_MAX) return;
      await pace.next();
    }
  }

  private async verifyTails(findings: SealFindings, accountId: string | undefined, pace: Pace): Promise<void> {
    let cursor: WalletCursor = { account_id: accountId ?? FIRST_ID, tier: '' };
    for (;;) {
      const page = await this.reader.tails(cursor, accountId === undefined ? WALLETS_MAX : TIERS.length);
      const tails = page.filter((tail) => tail.account_id === (accountId ?? tail.account_id));
      for (const tail of tails) await this.verifyTail(tail, findings);
      cursor = tails.at(-1) ?? cursor;
      if (tails.length < WALLETS_MAX) return;
      await pace.next();
    }
  }

  private async verifyTail(tail: WalletTail, findings: SealFindings): Promise<void> {
    const [seq, sealed, rows] = [BigInt(tail.seq), BigInt(tail.sealed), BigInt(tail.rows)];
    const wallet = { accountId: tail.account_id, tier: tail.tier };
    findings.walletCount++;
    findings.unsealed(rows, tail.oldest);
    if (BigInt(tail.said) > sealed) {
      findings.row(
        'missing_seal',
        wallet,
        sealed + 1n,
        `rows up to ${tail.said} are said to be sealed, and none is from here on`,
      );
    }
    if (BigInt(tail.first ?? 1) < 1n) {
      findings.row('unexpected_row', wallet, BigInt(tail.first ?? 0), 'a row stands before the first one');
    }
    if (rows === seq - sealed && BigInt(tail.last ?? 0) === seq) return;
    const gap = await this.reader.firstGap(tail);
    const last = BigInt(tail.last ?? 0);
    if (gap !== null) findings.row('missing_row', wallet, gap, 'a row that is not sealed yet is missing');
    else if (last < seq) findings.row('missing_row', wallet, last + 1n, 'the newest rows of the wallet are missing');
    else findings.row('unexpected_row', wallet, seq + 1n, `the wallet says that row ${tail.seq} is its newest`);
  }

  private async verifyCheckpoints(keys: SignatureChecker | null, findings: SealFindings, pace: Pace): Promise<void> {
    findings.checkpoints = 0n;
    let previous: Pick<Checkpoint, 'number' | 'hash'> = { number: 0n, hash: NO_CHECKPOINT };
    for (;;) {
      const page = await this.repository.checkpointsAfter(previous.number, CHECKPOINTS_MAX);
      const [first, last] = [page[0], page.at(-1)];
      if (first === undefined || last === undefined) return;
      const listed = await this.listedHeads(first.number, last.number);
      for (const checkpoint of page) {
        verifyCheckpoint(checkpoint, previous, keys, findings);
        compareHeads(checkpoint, listed.get(checkpoint.number) ?? new Set(), findings);
        findings.checkpoints++;
        findings.sealedUpTo = { checkpoint: checkpoint.number, sealedAt: checkpoint.sealedAt };
        previous = checkpoint;
      }
      await pace.next();
    }
  }

  /** The lines that the checkpoints of a range must have, from the segments. */
  private async listedHeads(fromNumber: bigint, toNumber: bigint): Promise<Map<bigint, Set<string>>> {
    const heads = await this.reader.heads(fromNumber, toNumber);
    const groups = Map.groupBy(heads, ({ checkpoint }) => BigInt(checkpoint));
    const lineOf = (head: (typeof heads)[number]): string =>
      `${head.account_id} ${head.tier} ${head.from_seq} ${head.to_seq} ${head.head.toString('hex')}`;
    return new Map([...groups].map(([number, group]) => [number, new Set(group.map(lineOf))]));
  }

  private async verifyFile(
    file: string,
    keys: SignatureChecker | null,
    findings: SealFindings,
    pace: Pace,
  ): Promise<void> {
    let batch: PublishedCheckpoint[] = [];
    for await (const { line, checkpoint } of checkpointLines(file)) {
      if (checkpoint === null || !isSigned(checkpoint, keys)) {
        findings.checkpoint(
          'bad_published_line',
          null,
          `line ${line} of ${file} is no checkpoint signed by a known key`,
        );
        continue;
      }
      batch.push(checkpoint);
      if (batch.length < LINES_MAX) continue;
      await this.comparePublished(batch, findings);
      batch = [];
      await pace.next();
    }
    await this.comparePublished(batch, findings);
  }

  private async comparePublished(lines: readonly PublishedCheckpoint[], findings: SealFindings): Promise<void> {
    const hashes = await this.reader.hashes(lines.map(({ number }) => number));
    findings.publishedCheckpoints += lines.length;
    for (const { number, hash, sealed_at: sealedAt } of lines) {
      const ours = hashes.get(number);
      const name = `checkpoint ${number} of ${sealedAt}`;
      if (ours === undefined) {
        findings.checkpoint('missing_checkpoint', BigInt(number), `${name} was published and is not in the database`);
      } else if (ours !== hash) {
        findings.checkpoint('published_otherwise', BigInt(number), `${name} was published with another hash`);
      }
    }
  }
}

/** Between two pages: ends what was told to end, and rests when that was asked for. */
class Pace {
  private pageStartedMs = performance.now();

  constructor(private readonly options: SealVerification) {}

  async next(): Promise<void> {
    const { gently, signal } = this.options;
    signal?.throwIfAborted();
    if (gently === true) await delay(performance.now() - this.pageStartedMs, undefined, { signal });
    this.pageStartedMs = performance.now();
  }
}

function startOf({ accountId, tier }: Segment): Walk {
  return { accountId, tier, seq: 0n, hash: genesisOf(accountId, tier), broken: false };
}

/** @returns whether the chain goes on behind the segment. */
function followSegment(walk: Walk, segment: Segment, rows: readonly ChainRow[], findings: SealFindings): boolean {
  if (segment.fromSeq > walk.seq + 1n) {
    findings.row('missing_seal', walk, walk.seq + 1n, `rows up to ${segment.fromSeq - 1n} have lost their seal`);
    return false;
  }
  if (segment.fromSeq !== walk.seq + 1n || !segment.previousHash.equals(walk.hash)) {
    findings.row('broken_seal', walk, segment.fromSeq, 'the seal does not continue the one before');
    return false;
  }
  for (let seq = segment.fromSeq, at = 0; seq <= segment.toSeq; seq++, at++) {
    const row = rows[at];
    if (row === undefined || BigInt(row.seq) !== seq) {
      findings.row('missing_row', walk, seq, 'a sealed row is missing');
      return false;
    }
    walk.hash = chainHash(walk.hash, row);
    if (!walk.hash.equals(segment.rowHashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES))) {
      findings.row('edited_row', walk, seq, 'the row is not the one that was sealed');
      return false;
    }
    walk.seq = seq;
    findings.sealedRows++;
  }
  return true;
}

function verifyCheckpoint(
  checkpoint: Checkpoint,
  previous: Pick<Checkpoint, 'number' | 'hash'>,
  keys: SignatureChecker | null,
  findings: SealFindings,
): void {
  const { number, sealedAt, hash, previousHash, keyId, signature } = checkpoint;
  const statement = statementOf(checkpoint);
  const name = `checkpoint ${number} of ${sealedAt.toISOString()}`;
  if (number !== previous.number + 1n) {
    findings.checkpoint('missing_checkpoint', previous.number + 1n, `the next one is ${name}`);
  } else if (!previousHash.equals(previous.hash)) {
    findings.checkpoint('forged_checkpoint', number, `${name} does not continue the one before`);
  }
  const verdict = keys?.check(keyId, statement, signature) ?? 'valid';
  if (verdict === 'unknown_key')
    findings.checkpoint('forged_checkpoint', number, `${name} is signed by an unknown key`);
  else if (verdict === 'invalid' || !hashOf(statement).equals(hash)) {
    findings.checkpoint('forged_checkpoint', number, `${name} is not what was signed`);
  }
}

/** @param actual lines of the segments that say they belong to the checkpoint. */
function compareHeads(checkpoint: Checkpoint, actual: Set<string>, findings: SealFindings): void {
  const where = `of checkpoint ${checkpoint.number}`;
  const rowOf = (line: string): [{ accountId: string; tier: string }, bigint] => {
    const [accountId = '', tier = '', fromSeq = ''] = line.split(' ');
    return [{ accountId, tier }, /^\d+$/.test(fromSeq) ? BigInt(fromSeq) : 0n];
  };
  for (const line of checkpoint.heads.split('\n').filter((text) => text !== '')) {
    if (actual.delete(line)) continue;
    findings.row('missing_seal', ...rowOf(line), `the seal ${where} is not there as it was signed`);
  }
  for (const line of actual) findings.row('broken_seal', ...rowOf(line), `the seal ${where} was never signed`);
}

function isSigned(line: PublishedCheckpoint, keys: SignatureChecker | null): boolean {
  const statement = publishedStatement(line);
  if (hashOf(statement).toString('hex') !== line.hash) return false;
  return keys === null || keys.check(line.key_id, statement, Buffer.from(line.signature, 'base64url')) === 'valid';
}
