import { Differences, type Difference } from './difference.js';
import { NOTHING_VERIFIED, reportOf, reportText, reportView, withMore } from './report.js';

const difference = (changes: Partial<Difference> = {}): Difference => ({
  kind: 'usage_charge',
  accountId: 'ada',
  tier: 'standard',
  requestId: 'gwr_1',
  subject: 'credits_charged',
  expected: '1500000',
  found: null,
  ...changes,
});

function report(found: readonly Difference[], keptMax: number) {
  const differences = new Differences(keptMax);
  for (const one of found) differences.add(one);
  return reportOf({ ...NOTHING_VERIFIED, wallets: 3, rows: 7 }, differences, new Date(0), 1234.5);
}

describe('a report of a verification', () => {
  it('says in one line what was looked at, and that nothing differs', () => {
    const text =
      '3 wallets, 7 ledger rows, 0 freezes (0 open), 0 usage records in 1.2 s\nseals: left out\nno difference\n';
    expect(reportText(report([], 10))).toBe(text);
    expect(report([], 10).ok).toBe(true);
  });

  it('says how far the seals go, and what was not compared', () => {
    const seals = {
      sealed_rows: 5,
      unsealed_rows: 2,
      oldest_unsealed_at: '2026-11-22T10:00:00.000Z',
      sealed_up_to: { checkpoint: 3, sealed_at: '2026-11-22T09:00:00.000Z' },
      checkpoints: 3,
      published_checkpoints: 1,
      signatures_checked: false,
    };
    const line =
      'seals: 5 rows up to checkpoint 3 of 2026-11-22T09:00:00.000Z, 2 not sealed yet (the oldest of ' +
      '2026-11-22T10:00:00.000Z), 3 checkpoints, 1 outside of the database; signatures not checked: the secrets are not set';
    expect(reportText({ ...report([], 10), seals })).toContain(`\n${line}\n`);
    const one = { ...seals, sealed_up_to: null, checkpoints: null, signatures_checked: true };
    expect(reportText({ ...report([], 10), seals: one })).toContain('checkpoints not compared');
  });

  it('counts every difference by its kind and names only so many', () => {
    const found = [difference(), difference(), difference({ kind: 'freeze_state' })];
    expect(report(found, 1)).toMatchObject({
      ok: false,
      differenceCount: 3,
      countByKind: { usage_charge: 2, freeze_state: 1 },
      differences: [{ kind: 'usage_charge' }],
    });
    expect(reportText(report(found, 1))).toContain('and 2 more');
    expect(report(found, 0).differences).toEqual([]);
  });

  it('shows amounts as decimals, everything else as it is, and what is not there as null', () => {
    const found = [difference(), difference({ kind: 'freeze_state', expected: 'settled', found: '12' })];
    expect(reportView(report(found, 10)).differences).toMatchObject([
      { account_id: 'ada', request_id: 'gwr_1', expected: '1.500000', found: null },
      { expected: 'settled', found: '12' },
    ]);
    const line =
      /usage_charge: .*; account ada, tier standard, request gwr_1, at credits_charged; expected 1\.500000, found nothing/;
    expect(reportText(report(found, 10))).toMatch(line);
  });

  it('takes more differences without losing its own', () => {
    const more = [difference({ kind: 'statement_cost' }), difference()];
    expect(withMore(report([difference()], 10), more, 2)).toMatchObject({
      ok: false,
      wallets: 3,
      durationMs: 1235,
      countByKind: { usage_charge: 2, statement_cost: 1 },
      differences: [{ kind: 'usage_charge' }, { kind: 'statement_cost' }],
    });
    expect(withMore(report([], 10), more, 2).ok).toBe(false);
  });
});
