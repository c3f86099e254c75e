import type { SealReport } from '../../wallet/index.js';
import type { Difference } from './difference.js';

/** What was checked of the seals, as it is shown. Amounts of rows are whole numbers. */
export interface SealSectionView {
  sealed_rows: number;
  /** Rows that no seal covers yet. */
  unsealed_rows: number;
  oldest_unsealed_at: string | null;
  /** Newest checkpoint; `null` when nothing is sealed, and for one account. */
  sealed_up_to: { checkpoint: number; sealed_at: string } | null;
  /** Checkpoints that were checked; `null` for one account: they are of all. */
  checkpoints: number | null;
  /** Checkpoints outside of the database that were compared. */
  published_checkpoints: number;
  /** False when no secret was there to check signatures with; hashes were compared all the same. */
  signatures_checked: boolean;
}

export function sealSectionView(report: SealReport): SealSectionView {
  const { sealedUpTo } = report;
  return {
    sealed_rows: Number(report.sealedRows),
    unsealed_rows: Number(report.unsealedRows),
    oldest_unsealed_at: report.oldestUnsealedAt?.toISOString() ?? null,
    sealed_up_to: sealedUpTo && {
      checkpoint: Number(sealedUpTo.checkpoint),
      sealed_at: sealedUpTo.sealedAt.toISOString(),
    },
    checkpoints: report.checkpoints === null ? null : Number(report.checkpoints),
    published_checkpoints: report.publishedCheckpoints,
    signatures_checked: report.signaturesChecked,
  };
}

/** What was checked of the seals, in one line for people. */
export function sealSectionText(view: SealSectionView): string {
  const { sealed_up_to: upTo, oldest_unsealed_at: oldest, checkpoints } = view;
  const unsealed = `${view.unsealed_rows} not sealed yet${oldest === null ? '' : ` (the oldest of ${oldest})`}`;
  const until = upTo === null ? '' : ` up to checkpoint ${upTo.checkpoint} of ${upTo.sealed_at}`;
  const compared =
    checkpoints === null
      ? 'checkpoints not compared: they are of all accounts'
      : `${checkpoints} checkpoints, ${view.published_checkpoints} outside of the database`;
  const unsigned = view.signatures_checked ? '' : '; signatures not checked: the secrets are not set';
  return `seals: ${view.sealed_rows} rows${until}, ${unsealed}, ${compared}${unsigned}`;
}

/** Broken seals as differences. */
export function differencesOfSeals({ broken }: SealReport): Difference[] {
  return broken.map(({ fault, accountId, tier, seq, checkpoint, message }) => ({
    kind: `seal_${fault}` as const,
    accountId,
    tier,
    requestId: null,
    subject: seq === null ? `checkpoint ${String(checkpoint ?? 'unknown')}` : `seq ${String(seq)}`,
    expected: 'what was sealed',
    found: message,
  }));
}
