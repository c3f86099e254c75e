/** How the two sides of a difference are to be read: micro-credits, micro-USD, or as they are. */
export type DifferenceUnit = 'credits' | 'usd' | 'plain';

/** Every way in which the books can be wrong, and what it means. */
export const DIFFERENCE_KINDS = {
  negative_balance: { unit: 'credits', means: 'a balance is below zero' },
  wallet_missing: { unit: 'plain', means: 'rows refer to a wallet that is not there' },
  balance_without_row: { unit: 'credits', means: 'a balance is not the sum of its ledger rows' },
  frozen_total: { unit: 'credits', means: 'the frozen balance is not the sum of the open freezes' },
  conservation: { unit: 'credits', means: 'top-ups and adjustments are not balances plus charges' },
  wallet_sequence: { unit: 'plain', means: 'the wallet counts fewer rows than the ledger has' },
  ledger_row_missing: { unit: 'plain', means: 'a number is missing in the sequence of a wallet' },
  ledger_row_edited: { unit: 'credits', means: 'a row does not lead from the balance before it to the one after it' },
  ledger_row_reordered: { unit: 'credits', means: 'a row follows on the balance of a row in another place' },
  ledger_row_without_freeze: { unit: 'plain', means: 'ledger rows name a freeze that is not there' },
  freeze_without_row: { unit: 'plain', means: 'a freeze has no ledger row' },
  freeze_amount: { unit: 'credits', means: 'a freeze is not as large as its ledger rows made it' },
  freeze_without_end: { unit: 'plain', means: 'a freeze should have ended and has not' },
  freeze_ended_twice: { unit: 'plain', means: 'a freeze was settled, released or expired more than once' },
  freeze_state: { unit: 'plain', means: 'the state of a freeze is not how its ledger rows ended it' },
  freeze_not_returned: { unit: 'credits', means: 'a freeze has ended and a part of it is still frozen' },
  outcome_not_settled: { unit: 'plain', means: 'an outcome has waited too long for its settlement' },
  settlement_without_outcome: { unit: 'plain', means: 'a freeze was settled without an outcome' },
  usage_record_missing: { unit: 'plain', means: 'a freeze has ended and has no usage record' },
  usage_record_early: { unit: 'plain', means: 'a freeze is open and has a usage record' },
  usage_record_without_freeze: { unit: 'plain', means: 'a usage record has no freeze' },
  usage_record_status: { unit: 'plain', means: 'the status of a usage record is not how its freeze ended' },
  usage_record_differs: { unit: 'plain', means: 'a usage record does not say what its freeze says' },
  usage_charge: { unit: 'credits', means: 'a usage record charges something else than its ledger rows took' },
  usage_sum: { unit: 'credits', means: 'a price is not the sum of charge and shortfall' },
  shortfall_booking: { unit: 'credits', means: 'the shortfall of a record is not the one booked to the platform' },
  correction_missing: { unit: 'plain', means: 'ledger rows of a correction have no correction' },
  correction_differs: {
    unit: 'plain',
    means: 'a correction is not what its ledger rows, or the record that it left, say',
  },
  wrong_token_bucket: { unit: 'plain', means: 'a usage record has other tokens than the outcome' },
  wrong_price: { unit: 'credits', means: 'a price is not that of its tokens under the pinned version' },
  stale_price_version: { unit: 'plain', means: 'a request was priced by another version than the one pinned' },
  price_missing: { unit: 'plain', means: 'a pinned price version is not there' },
  quota_window: { unit: 'credits', means: 'a quota window is not the sum of its requests' },
  seal_edited_row: { unit: 'plain', means: 'a ledger row is not the one that was sealed' },
  seal_missing_row: { unit: 'plain', means: 'a ledger row that was sealed, or that its wallet counts, is gone' },
  seal_unexpected_row: { unit: 'plain', means: 'a ledger row is there that its wallet does not count' },
  seal_missing_seal: { unit: 'plain', means: 'ledger rows have lost their seal' },
  seal_broken_seal: { unit: 'plain', means: 'a seal does not continue its chain, or was never signed' },
  seal_missing_checkpoint: { unit: 'plain', means: 'a checkpoint is gone' },
  seal_forged_checkpoint: { unit: 'plain', means: 'a checkpoint was not signed by a known key' },
  seal_published_otherwise: { unit: 'plain', means: 'a checkpoint was published with another hash' },
  seal_bad_published_line: { unit: 'plain', means: 'a published line is no checkpoint signed by a known key' },
  usage_rollup: { unit: 'plain', means: 'a sum of usage is not what its records add up to' },
  statement_requests: { unit: 'plain', means: 'a provider counts other requests than we do' },
  statement_cost: { unit: 'usd', means: 'a provider asks for another cost than we recorded' },
} as const satisfies Record<string, { unit: DifferenceUnit; means: string }>;

export type DifferenceKind = keyof typeof DIFFERENCE_KINDS;

/** One place where what is stored is not what the rows say it must be. */
export interface Difference {
  kind: DifferenceKind;
  accountId: string | null;
  tier: string | null;
  /** Gateway request id, which is the freeze's id. */
  requestId: string | null;
  /** What exactly: a column, a sequence number, a day. */
  subject: string | null;
  /** Amounts are micro-units as decimal text; `null` for what should not be there. */
  expected: string | null;
  found: string | null;
}

/** Differences with a bound on how many are kept; all of them are counted, by kind. */
export class Differences {
  readonly first: Difference[] = [];
  readonly countByKind = new Map<DifferenceKind, number>();

  constructor(private readonly keptMax: number) {}

  get total(): number {
    return [...this.countByKind.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Counts a difference, and keeps it while there is room. */
  add(difference: Difference): void {
    this.count(difference.kind, 1);
    this.keep(difference);
  }

  /** Keeps one that is counted elsewhere. */
  keep(difference: Difference): void {
    if (this.first.length < this.keptMax) this.first.push(difference);
  }

  count(kind: DifferenceKind, more: number): void {
    this.countByKind.set(kind, (this.countByKind.get(kind) ?? 0) + more);
  }
}
