import type { Difference } from './difference.js';

/** A ledger row that does not follow on the row before it in its wallet. Amounts are micro-credits. */
export interface BrokenRow {
  accountId: string;
  tier: string;
  seq: bigint;
  requestId: string | null;
  availableDelta: bigint;
  frozenDelta: bigint;
  availableAfter: bigint;
  frozenAfter: bigint;
  /** Of the row that stands before it; 0 for the first. */
  seqBefore: bigint;
  availableBefore: bigint;
  frozenBefore: bigint;
}

/**
 * Says what was done to rows that do not follow on each other. A number that is missing is a deleted row. A row whose own
 * "balance before" is the balance after a row in another broken place was moved; any other was edited.
 */
export function differencesOfChain(rows: readonly BrokenRow[]): Difference[] {
  return rows.map((row) => (row.seq === row.seqBefore + 1n ? misfit(row, rows) : gap(row)));
}

function gap(row: BrokenRow): Difference {
  const [first, last] = [row.seqBefore + 1n, row.seq - 1n];
  return {
    ...placeOf(row),
    kind: 'ledger_row_missing',
    subject: first === last ? `seq ${String(first)}` : `seq ${String(first)}–${String(last)}`,
    expected: 'a row',
    found: null,
  };
}

function misfit(row: BrokenRow, rows: readonly BrokenRow[]): Difference {
  const moved = rows.some((other) => other !== row && isSameWallet(row, other) && leadsTo(other, row));
  const isAvailable = row.availableAfter !== row.availableBefore + row.availableDelta;
  const [before, delta, after] = isAvailable
    ? [row.availableBefore, row.availableDelta, row.availableAfter]
    : [row.frozenBefore, row.frozenDelta, row.frozenAfter];
  return {
    ...placeOf(row),
    kind: moved ? 'ledger_row_reordered' : 'ledger_row_edited',
    subject: `seq ${String(row.seq)} ${isAvailable ? 'available_after' : 'frozen_after'}`,
    expected: String(before + delta),
    found: String(after),
  };
}

function placeOf(row: BrokenRow): Pick<Difference, 'accountId' | 'tier' | 'requestId'> {
  return { accountId: row.accountId, tier: row.tier, requestId: row.requestId };
}

function isSameWallet(one: BrokenRow, other: BrokenRow): boolean {
  return one.accountId === other.accountId && one.tier === other.tier;
}

/** Whether `row` was written right after `other`, or after the row that stands before `other` now. */
function leadsTo(other: BrokenRow, row: BrokenRow): boolean {
  const available = row.availableAfter - row.availableDelta;
  const frozen = row.frozenAfter - row.frozenDelta;
  const afterOther = other.availableAfter === available && other.frozenAfter === frozen;
  return afterOther || (other.availableBefore === available && other.frozenBefore === frozen);
}
