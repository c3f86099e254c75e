import { createHash } from 'node:crypto';
import { acceptedFormat, statementFile } from './statement-answer.js';
import type { StatementView, WalletStatementView } from './statement.schema.js';
import { STATEMENT_CONTENT_SECURITY_POLICY } from './statement-style.js';

const CANARY = `"><script>alert('canary')</script><img src=x onerror=alert(1)>&`;
const KEY_ID = '01980000-0000-7000-8000-000000000001';
const balance = { balance: '1234567.500000', available: '1234567.000000', frozen: '0.500000' };
const sums = {
  requests: 3,
  input_tokens: 1_000,
  output_tokens: -20,
  cached_input_tokens: 0,
  cached_output_tokens: 0,
  charged: '12.000000',
  reversed: '0.000000',
  credits: '12.000000',
};

function charges(name: string): WalletStatementView['charges'] {
  return {
    total: sums,
    by_model: [{ model: name, members: 1, ...sums }],
    by_key: [
      { api_key_id: KEY_ID, name, members: 1, ...sums },
      { api_key_id: null, name: null, members: 7, ...sums },
    ],
  };
}

function statement(name: string, changes: Partial<StatementView> = {}): StatementView {
  const credits = {
    count: 3,
    amount: '7.000000',
    entries: [{ entry_id: 'standard:1', at: '2026-11-01T00:30:00.000Z', note: name, amount: '2.000000' }],
    unlisted: { count: 2, amount: '5.000000' },
  };
  return {
    account: { id: KEY_ID, name, kind: 'organization' },
    month: '2026-11',
    from: '2026-11-01T00:00:00.000Z',
    to: '2026-12-01T00:00:00.000Z',
    provisional: false,
    up_to: '2026-12-01T00:00:00.000Z',
    time_zone: 'UTC',
    wallets: [
      {
        tier: 'standard',
        opening: balance,
        top_ups: credits,
        adjustments: credits,
        charges: charges(name),
        corrections: charges(name),
        closing: balance,
      },
    ],
    ...changes,
  };
}

describe('a statement as a page', () => {
  it('shows names as text, whatever is in them', () => {
    const page = statementFile(statement(CANARY), 'html').text;
    expect(page).not.toMatch(/<script|<img|onerror=alert\(1\)>/);
    expect(page.match(/&quot;&gt;&lt;script&gt;alert\(&#39;canary&#39;\)&lt;\/script&gt;/g)?.length).toBeGreaterThan(5);
  });

  it('loads nothing, and lets nothing in but the style sheet that it carries', () => {
    const page = statementFile(statement('Acme'), 'html').text;
    expect(page).not.toMatch(/(src|href|url)\s*[=(]|https?:|@import/i);
    const style = /<style>([^]*)<\/style>/.exec(page)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(STATEMENT_CONTENT_SECURITY_POLICY).toContain(`style-src 'sha256-${hash}'`);
    expect(page).toContain(`style-src &#39;sha256-${hash}&#39;`);
    expect(page).not.toMatch(/ style=|<[a-z]+[^>]* on[a-z]+=/);
  });

  it('has tables that say what they are, with heads for rows and columns', () => {
    const page = statementFile(statement('Acme'), 'html').text;
    const tables = page.match(/<table>/g)?.length ?? 0;
    expect(tables).toBe(7);
    expect(page.match(/<caption>/g)).toHaveLength(tables);
    expect(page.match(/<th(?=[ >])(?! scope="(row|col)")/g)).toBeNull();
  });

  it('is marked while it is provisional, in the zone of the statement', () => {
    const changes = { provisional: true, up_to: '2026-11-22T23:30:00.000Z', time_zone: 'Europe/Berlin' };
    const page = statementFile(statement('Acme', changes), 'html').text;
    expect(page).toContain('Provisional.');
    expect(page).toContain('2026-11-23 00:30:00');
    expect(statementFile(statement('Acme'), 'html').text).not.toContain('Provisional.');
  });

  it('sets thousands apart, and shows charges as what they take away', () => {
    const page = statementFile(statement('Acme'), 'html').text;
    expect(page).toContain('1\u202f234\u202f567.500000');
    expect(page).toContain('\u221212.000000');
  });
});

describe('a statement as CSV', () => {
  it('has signed credits, one line a movement, and no cell that a spreadsheet would run', () => {
    const lines = statementFile(statement('=cmd|"/C calc"!A1, and more'), 'csv').text.split('\r\n');
    expect(lines[0]).toBe(
      'account_id,month,tier,section,item,name,at,requests,input_tokens,output_tokens,cached_input_tokens,cached_output_tokens,credits',
    );
    const begin = `${KEY_ID},2026-11,standard`;
    expect(lines.slice(1, 4)).toEqual([
      `${begin},opening,,,,,,,,,1234567.500000`,
      `${begin},top_up,standard:1,"'=cmd|""/C calc""!A1, and more",2026-11-01T00:30:00.000Z,,,,,,2.000000`,
      `${begin},top_up,,2 more,,,,,,,5.000000`,
    ]);
    expect(lines).toContain(`${begin},charge_by_key,,7 more,,3,1000,-20,0,0,-12.000000`);
    expect(lines.filter((line) => /(^|,)"?[=+@]/.test(line))).toEqual([]);
  });
});

describe('the format of a statement', () => {
  it.each([
    [undefined, 'json'],
    ['*/*', 'json'],
    ['image/png', 'json'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'html'],
    ['text/csv', 'csv'],
    ['text/html;q=0.2, text/csv;q=0.9', 'csv'],
    ['text/html;q=0, */*;q=0.1', 'json'],
    ['TEXT/HTML; charset=utf-8', 'html'],
    [';;,,q=', 'json'],
    ['text/csv;q=many', 'json'],
  ])('for Accept %s is %s', (accept, format) => {
    expect(acceptedFormat(accept)).toBe(format);
  });
});
