import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import { Counter, Gauge, METRICS, type Registry } from '../platform/metrics/index.js';
import { SigningKeys } from '../platform/signing/index.js';
import { CheckpointPublisher } from './checkpoint-publisher.js';
import { hashOf, headsOf, NO_CHECKPOINT, statementOf, type Checkpoint } from './domain/checkpoint.js';
import { genesisOf, headOf, sealRows, type ChainRow, type Segment } from './domain/ledger-chain.js';
import type { Queryable } from './domain/wallet.js';
import { SealRepository, type Backlog, type SealedWallet } from './persistence/seal.repository.js';
import { SealVerifier, type SealReport, type SealVerification } from './seal-verifier.js';

/** Rows of one wallet in one segment, and of all wallets in one transaction: a few milliseconds of work. */
const SEGMENT_ROWS_MAX = 250;
const GROUP_ROWS_MAX = 500;
const WALLETS_MAX = 1_000;
const RUN_MAX_MS = 15_000;

/**
 * Makes changes of old ledger rows visible: rows are chained by hashes, what was chained is signed, and the signatures leave
 * the database. Runs in any number of processes; one of them works, the others pass.
 */
@Injectable()
export class SealService {
  private readonly sealedRows: Counter;
  private readonly waitingRows: Gauge;
  private stopped = false;

  constructor(
    private readonly repository: SealRepository,
    private readonly publisher: CheckpointPublisher,
    private readonly verifier: SealVerifier,
    private readonly keys: SigningKeys,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METRICS) metrics: Registry,
  ) {
    this.sealedRows = new Counter({
      name: 'ledger_rows_sealed_total',
      help: 'Ledger rows that were chained and signed.',
      registers: [metrics],
    });
    this.waitingRows = new Gauge({
      name: 'ledger_rows_unsealed',
      help: 'Ledger rows that the last run of this process has left unsealed.',
      registers: [metrics],
    });
  }

  /**
   * Seals the rows that are there now, for 15 seconds at most, then publishes the checkpoints.
   * @returns how many rows were sealed; 0 when another process is at it.
   */
  async sealPending(): Promise<number> {
    const endMs = performance.now() + RUN_MAX_MS;
    let total = 0;
    for (let again = true; again && !this.stopped && performance.now() < endMs;) {
      const backlog = await this.repository.backlog(WALLETS_MAX);
      const sealed = await this.sealBacklog(backlog, endMs);
      total += sealed;
      this.waitingRows.set(backlog.reduce((sum, { rows }) => sum + Number(rows), -sealed));
      const isLong = backlog.length === WALLETS_MAX || backlog.some(({ rows }) => Number(rows) > SEGMENT_ROWS_MAX);
      again = isLong && sealed > 0;
    }
    await this.publisher.publish();
    return total;
  }

  /** Ends a run after its current transaction. */
  stop(): void {
    this.stopped = true;
  }

  /** Recomputes chains, signatures and published checkpoints; see `SealReport`. */
  verify(options: SealVerification = {}): Promise<SealReport> {
    const keys = this.keys.publicKeys().length === 0 ? null : this.keys;
    return this.verifier.verify(keys, options);
  }

  private async sealBacklog(backlog: readonly Backlog[], endMs: number): Promise<number> {
    let total = 0;
    for (const group of groupsOf(backlog)) {
      const startedMs = performance.now();
      if (this.stopped || startedMs > endMs) break;
      const sealed = await this.repository.alone('seal', (transaction, now) => this.sealGroup(group, transaction, now));
      if (sealed === null) break;
      total += sealed;
      this.sealedRows.inc(sealed);
      // Requests come first: half of the time belongs to them.
      await delay(performance.now() - startedMs);
    }
    return total;
  }

  private async sealGroup(group: readonly Backlog[], transaction: Queryable, now: Date): Promise<number> {
    const wallets = await this.repository.sealed(group, transaction);
    const rows = await this.repository.rowsAfter(wallets, SEGMENT_ROWS_MAX, transaction);
    const byWallet = Map.groupBy(rows, ({ no }) => no);
    const found = wallets.map((wallet, at) => this.segmentOf(wallet, byWallet.get(at + 1) ?? []));
    const segments = found.filter((segment) => segment !== null);
    if (segments.length > 0) {
      const last = await this.repository.lastCheckpoint(transaction);
      await this.repository.add(this.signed(segments, last, now), segments, transaction);
    }
    await this.repository.moveChains(
      wallets.map((wallet, at) => sealedTo(wallet, found[at] ?? null)),
      transaction,
    );
    return segments.reduce((sum, segment) => sum + Number(segment.toSeq - segment.fromSeq) + 1, 0);
  }

  private segmentOf(wallet: SealedWallet, rows: readonly ChainRow[]): Segment | null {
    const name = { accountId: wallet.account_id, tier: wallet.tier };
    const previous = wallet.hash ?? genesisOf(name.accountId, name.tier);
    const segment = sealRows(name, rows, BigInt(wallet.seq), previous);
    const end = segment?.toSeq ?? BigInt(wallet.seq);
    if (rows.length > 0 && BigInt(rows.at(-1)?.seq ?? 0) !== end) {
      const place = { account_id: wallet.account_id, tier: wallet.tier, seq: (end + 1n).toString() };
      this.logger.error(place, 'a ledger row is missing: its wallet cannot be sealed any further');
    }
    return segment;
  }

  private signed(segments: readonly Segment[], last: Checkpoint | null, now: Date): Checkpoint {
    const unsigned = {
      number: (last?.number ?? 0n) + 1n,
      sealedAt: now,
      previousHash: last?.hash ?? NO_CHECKPOINT,
      heads: headsOf(segments),
    };
    const statement = statementOf(unsigned);
    return { ...unsigned, hash: hashOf(statement), ...this.keys.sign(statement) };
  }
}

/** Wallets that fit one transaction together. */
function* groupsOf(backlog: readonly Backlog[]): Generator<Backlog[]> {
  let group: Backlog[] = [];
  let rows = 0;
  for (const wallet of backlog) {
    group.push(wallet);
    rows += Math.min(Number(wallet.rows), SEGMENT_ROWS_MAX);
    if (rows < GROUP_ROWS_MAX) continue;
    yield group;
    group = [];
    rows = 0;
  }
  if (group.length > 0) yield group;
}

function sealedTo(wallet: SealedWallet, segment: Segment | null): SealedWallet {
  return segment === null ? wallet : { ...wallet, seq: segment.toSeq.toString(), hash: headOf(segment) };
}
