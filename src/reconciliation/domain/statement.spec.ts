import { usdMicros } from '../../platform/money/index.js';
import { compareDays, differencesOfDay, parseStatement, StatementError, type DayUse } from './statement.js';

const use = (requests: number, costMicros: bigint, model = 'small-1', day = '2026-03-01'): DayUse => ({
  day,
  model,
  requests,
  costMicros: usdMicros(costMicros),
});

describe('a statement of a provider', () => {
  it('is read whatever the order of its columns, with more of them, quotes and a byte order mark', () => {
    const csv = '\uFEFFcost_usd,Project,model,date,REQUESTS\r\n1.5,"a, ""b""",small-1,2026-03-01,7\r\n\r\n';
    expect(parseStatement(csv)).toEqual([use(7, 1_500_000n)]);
  });

  it('adds up lines of the same day and model', () => {
    const csv =
      'date,model,requests,cost_usd\n2026-03-01,small-1,2,0.1\n2026-03-01,small-1,3,0.2\n2026-03-02,small-1,1,0';
    expect(parseStatement(csv)).toEqual([use(5, 300_000n), use(1, 0n, 'small-1', '2026-03-02')]);
  });

  it('keeps six places of a cost, rounded to the nearest', () => {
    const costs = ['0.0000004', '0.0000005', '12.3456789'].map(
      (cost, at) => `2026-03-0${(at + 1).toString()},m,1,${cost}`,
    );
    const read = parseStatement(['date,model,requests,cost_usd', ...costs].join('\n'));
    expect(read.map(({ costMicros }) => costMicros)).toEqual([0n, 1n, 12_345_679n]);
  });

  it.each([
    ['', /column date, model, requests, cost_usd is missing/],
    ['date,model,requests\n', /column cost_usd is missing/],
    ['date,model,requests,cost_usd\n', /no lines/],
    ['date,model,requests,cost_usd\n1.3.2026,m,1,1', /line 2: date must be/],
    ['date,model,requests,cost_usd\n2026-02-30,m,1,1', /line 2: date must be a day/],
    ['date,model,requests,cost_usd\n2026-03-01,,1,1', /line 2: model must be/],
    ['date,model,requests,cost_usd\n2026-03-01,m,1,1\n2026-03-01,m,-1,1', /line 3: requests must be/],
    ['date,model,requests,cost_usd\n2026-03-01,m,1,$1', /line 2: cost_usd must be/],
    ['date,model,requests,cost_usd\n2026-03-01,m,1,1,234.56', /line 2: more cells/],
    ['date,model,requests,cost_usd,Requests\n2026-03-01,m,1,1,2', /column requests is there twice/],
    ['date,model,requests,cost_usd\n2026-03-01,"m,1,1', /quote/],
    ['date,model,requests,cost_usd\n2026-03-01,m,1,1\n2027-03-02,m,1,1', /more than 366 days/],
  ])('is refused when it cannot be read: %j', (csv, message) => {
    expect(() => parseStatement(csv)).toThrow(StatementError);
    expect(() => parseStatement(csv)).toThrow(message);
  });
});

describe('a statement beside our own figures', () => {
  const differences = (theirs: DayUse[], ours: DayUse[], percent = 1) =>
    compareDays(theirs, ours).flatMap((day) => differencesOfDay('acme', day, { percent }));

  it('agrees when requests are equal and costs are a cent or a percent apart', () => {
    expect(differences([use(7, 20_000n)], [use(7, 10_000n)])).toEqual([]);
    expect(differences([use(7, 100_000_000n)], [use(7, 101_000_000n)])).toEqual([]);
  });

  it('names another number of requests, and another cost', () => {
    expect(differences([use(8, 5_000_000n)], [use(7, 4_000_000n)])).toMatchObject([
      {
        kind: 'statement_requests',
        subject: 'provider acme, day 2026-03-01, model small-1',
        expected: '8',
        found: '7',
      },
      { kind: 'statement_cost', expected: '5000000', found: '4000000' },
    ]);
    expect(differences([use(7, 100_000_000n)], [use(7, 101_000_000n)], 0.5)).toMatchObject([
      { kind: 'statement_cost' },
    ]);
  });

  it('names what only one side knows', () => {
    expect(differences([use(1, 0n, 'theirs')], [use(2, 0n, 'ours')])).toMatchObject([
      { subject: expect.stringContaining('model ours') as string, expected: '0', found: '2' },
      { subject: expect.stringContaining('model theirs') as string, expected: '1', found: '0' },
    ]);
  });
});
