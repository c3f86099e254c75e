import { differencesOfChain, type BrokenRow } from './broken-chain.js';

const row = (
  seq: bigint,
  before: bigint,
  delta: bigint,
  after: bigint,
  changes: Partial<BrokenRow> = {},
): BrokenRow => ({
  accountId: 'a',
  tier: 'standard',
  seq,
  requestId: null,
  availableDelta: delta,
  frozenDelta: 0n,
  availableAfter: after,
  frozenAfter: 0n,
  seqBefore: seq - 1n,
  availableBefore: before,
  frozenBefore: 0n,
  ...changes,
});

describe('rows of a ledger that do not follow on each other', () => {
  it('miss the numbers between them', () => {
    const [one] = differencesOfChain([row(5n, 10n, 1n, 12n, { seqBefore: 3n })]);
    expect(one).toMatchObject({ kind: 'ledger_row_missing', subject: 'seq 4' });
    const [many] = differencesOfChain([row(5n, 10n, 1n, 12n, { seqBefore: 1n })]);
    expect(many).toMatchObject({ kind: 'ledger_row_missing', subject: 'seq 2–4' });
  });

  it('were edited when no other place fits them', () => {
    const [difference] = differencesOfChain([row(2n, 10n, 5n, 14n)]);
    expect(difference).toMatchObject({
      kind: 'ledger_row_edited',
      subject: 'seq 2 available_after',
      expected: '15',
      found: '14',
    });
  });

  it('name the frozen side when only that does not fit', () => {
    const [difference] = differencesOfChain([row(2n, 10n, 5n, 15n, { frozenDelta: 1n, frozenAfter: 3n })]);
    expect(difference).toMatchObject({ subject: 'seq 2 frozen_after', expected: '1', found: '3' });
  });

  it('were moved when each follows on the balance of another one of them', () => {
    // 10 → +5 → 15 → +7 → 22 → +1 → 23, with the second and the third row in each other's place.
    const swapped = [row(2n, 10n, 7n, 22n), row(3n, 22n, 5n, 15n), row(4n, 15n, 1n, 23n)];
    expect(differencesOfChain(swapped).map(({ kind }) => kind)).toEqual(Array(3).fill('ledger_row_reordered'));
  });

  it('are not compared with rows of another wallet', () => {
    const swapped = [row(2n, 10n, 7n, 22n), row(3n, 22n, 5n, 15n, { tier: 'premium' })];
    expect(differencesOfChain(swapped).map(({ kind }) => kind)).toEqual(Array(2).fill('ledger_row_edited'));
  });
});
