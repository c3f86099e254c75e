/** What is wrong with a seal. */
export type SealFault =
  /** The row is not the one that was sealed. */
  | 'edited_row'
  /** A row that was sealed, or that the wallet counts, is not there. */
  | 'missing_row'
  /** A row that its wallet does not count. */
  | 'unexpected_row'
  /** Rows whose seal was taken away. */
  | 'missing_seal'
  /** A seal that does not continue the chain, or is not what its checkpoint has signed. */
  | 'broken_seal'
  | 'missing_checkpoint'
  /** A checkpoint in the database that we did not sign, or that does not continue the one before. */
  | 'forged_checkpoint'
  /** The checkpoint of a file is signed by us, and the database has another one. */
  | 'published_otherwise'
  /** A line of a file that is no checkpoint signed by us. */
  | 'bad_published_line';

export interface SealBreak {
  fault: SealFault;
  accountId: string | null;
  tier: string | null;
  /** First row that is broken, missing or no longer proven; `null` where only the checkpoint is known. */
  seq: bigint | null;
  checkpoint: bigint | null;
  /** One sentence for people. */
  message: string;
}

export interface SealReport {
  ok: boolean;
  /** Newest checkpoint in the database: everything sealed up to its time is covered. */
  sealedUpTo: { checkpoint: bigint; sealedAt: Date } | null;
  sealedRows: bigint;
  /** Rows that no seal covers yet. */
  unsealedRows: bigint;
  /** Time of the oldest of them: more than a minute ago means that no worker runs. */
  oldestUnsealedAt: Date | null;
  wallets: bigint;
  /** Checkpoints in the database that were checked; `null` when only the seals of one account were. */
  checkpoints: bigint | null;
  /** Whether a key was there to check signatures with. */
  signaturesChecked: boolean;
  /** Checkpoints outside of the database that were compared. */
  publishedCheckpoints: number;
  /** The first break: by wallet and sequence, then by checkpoint. */
  firstBroken: SealBreak | null;
  /** At most one a wallet and a hundred in all. */
  broken: readonly SealBreak[];
}

const BREAKS_MAX = 100;

/** Gathers what a verification finds, within bounds. */
export class SealFindings {
  readonly broken: SealBreak[] = [];
  private readonly wallets = new Set<string>();
  sealedRows = 0n;
  private unsealedRows = 0n;
  private oldestUnsealedAt: Date | null = null;
  walletCount = 0n;
  checkpoints: bigint | null = null;
  publishedCheckpoints = 0;
  sealedUpTo: SealReport['sealedUpTo'] = null;

  constructor(private readonly signaturesChecked: boolean) {}

  get isFull(): boolean {
    return this.broken.length >= BREAKS_MAX;
  }

  /** Of one wallet only the first break counts: what follows it is a consequence. */
  row(fault: SealFault, wallet: { accountId: string; tier: string }, seq: bigint, message: string): void {
    const name = `${wallet.accountId} ${wallet.tier}`;
    if (this.isFull || this.wallets.has(name)) return;
    this.wallets.add(name);
    this.broken.push({ fault, accountId: wallet.accountId, tier: wallet.tier, seq, checkpoint: null, message });
  }

  checkpoint(fault: SealFault, number: bigint | null, message: string): void {
    if (!this.isFull) {
      this.broken.push({ fault, accountId: null, tier: null, seq: null, checkpoint: number, message });
    }
  }

  unsealed(rows: bigint, oldest: Date | null): void {
    this.unsealedRows += rows;
    if (oldest !== null && (this.oldestUnsealedAt === null || oldest < this.oldestUnsealedAt))
      this.oldestUnsealedAt = oldest;
  }

  report(): SealReport {
    return {
      ok: this.broken.length === 0,
      sealedUpTo: this.sealedUpTo,
      sealedRows: this.sealedRows,
      unsealedRows: this.unsealedRows,
      oldestUnsealedAt: this.oldestUnsealedAt,
      wallets: this.walletCount,
      checkpoints: this.checkpoints,
      signaturesChecked: this.signaturesChecked,
      publishedCheckpoints: this.publishedCheckpoints,
      firstBroken: this.broken[0] ?? null,
      broken: this.broken,
    };
  }
}
