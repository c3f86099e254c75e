import { driftNews } from './news.js';
import type { DifferenceView, ReportView } from './report.js';

const difference = (requestId: string, found = '1', kind: DifferenceView['kind'] = 'wrong_price'): DifferenceView => ({
  kind,
  means: '',
  account_id: 'a',
  tier: 'standard',
  request_id: requestId,
  subject: null,
  expected: '0',
  found,
});

function report(differences: DifferenceView[], unnamed: Record<string, number> = {}): ReportView {
  const counts: Record<string, number> = { ...unnamed };
  for (const { kind } of differences) counts[kind] = (counts[kind] ?? 0) + 1;
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { differences, difference_counts: counts, difference_count: total } as unknown as ReportView;
}

describe('driftNews', () => {
  it('is everything when there was no comparison before', () => {
    expect(driftNews(null, report([difference('r1')]))).toEqual({
      differences: [difference('r1')],
      countByKind: { wrong_price: 1 },
    });
  });

  it('is nothing when nothing differs, or when the same places differ by other amounts', () => {
    expect(driftNews(null, report([]))).toBeNull();
    expect(driftNews(report([difference('r1')]), report([]))).toBeNull();
    expect(driftNews(report([difference('r1', '1')]), report([difference('r1', '2')]))).toBeNull();
  });

  it('is a difference that took the place of another, and one that comes back', () => {
    const [one, other] = [report([difference('r1')]), report([difference('r2')])];
    expect(driftNews(one, other)?.differences).toEqual([difference('r2')]);
    expect(driftNews(report([]), one)?.countByKind).toEqual({ wrong_price: 1 });
  });

  it('is not what a report before could not name for lack of room, unless there is more of it', () => {
    const before = report([difference('r1')], { wrong_price: 5 });
    expect(driftNews(before, report([difference('r2')], { wrong_price: 5 }))).toBeNull();
    expect(driftNews(before, report([difference('r2')], { wrong_price: 6 }))?.countByKind).toEqual({ wrong_price: 1 });
  });

  it('counts what it cannot name', () => {
    expect(driftNews(report([difference('r1')]), report([difference('r1')], { wrong_price: 7 }))).toEqual({
      differences: [],
      countByKind: { wrong_price: 7 },
    });
  });
});
