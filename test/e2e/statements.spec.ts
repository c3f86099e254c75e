import { chat, prompt, requestIdOf } from '../support/chat.js';
import { runCommand, type Ended } from '../support/command.js';
import { World } from '../support/world.js';

interface Balance {
  balance: string;
  available: string;
  frozen: string;
}

interface Sums {
  requests: number;
  output_tokens: number;
  credits: string;
}

interface Statement {
  month: string;
  provisional: boolean;
  up_to: string;
  to: string;
  wallets: {
    tier: string;
    opening: Balance;
    top_ups: { count: number; amount: string; entries: { note: string }[] };
    charges: { total: Sums; by_model: (Sums & { model: string })[]; by_key: (Sums & { name: string })[] };
    corrections: { total: Sums };
    closing: Balance;
  }[];
}

const NAME = `<script>alert("Ada")</script> & 'sons'`;

/** What moved the wallets of an account in a month, for operators. */
describe('GET /admin/v1/accounts/{id}/statements', () => {
  let world: World;
  let accountId: string;
  let requestId: string;
  let model: string;
  const month = new Date().toISOString().slice(0, 7);

  beforeAll(async () => {
    world = await World.create();
    const organization = await world.admin.post<{ id: string }>('/accounts', { kind: 'organization', name: NAME });
    accountId = organization.id;
    const headers = { 'idempotency-key': 'first' };
    await world.admin.post(
      `/accounts/${accountId}/wallets/standard/top-ups`,
      { amount: '10', reference: '=SUM(A1:A9)' },
      headers,
    );
    ({ key: model } = await world.model());
    for (const name of ['=build', 'desk']) {
      const owner = await world.admin.post<{ id: string }>('/accounts', { kind: 'personal', name });
      await world.admin.post(`/accounts/${accountId}/members`, { account_id: owner.id });
      const { key } = await world.admin.post<{ key: string }>('/api-keys', {
        name,
        owner_account_id: owner.id,
        billing_account_id: accountId,
      });
      requestId = requestIdOf(await chat(world.url, prompt(model), { key }));
      await world.admin.settled(requestId);
    }
  });
  afterAll(() => world.destroy());

  const path = (): string => `/accounts/${accountId}/statements/${month}`;
  const standardOf = ({ wallets }: Statement): Statement['wallets'][number] => {
    const wallet = wallets.find(({ tier }) => tier === 'standard');
    if (wallet === undefined) throw new Error('no standard wallet');
    return wallet;
  };

  it('adds up from the opening balance to that of the wallet now, by model and by key', async () => {
    const statement = await world.admin.get<Statement>(path());
    expect(statement).toMatchObject({ month, provisional: true });
    expect(statement.up_to < statement.to).toBe(true);
    const standard = standardOf(statement);
    expect(standard).toMatchObject({
      opening: { balance: '0.000000' },
      top_ups: { count: 1, amount: '10.000000', entries: [{ note: '=SUM(A1:A9)' }] },
      charges: {
        total: { requests: 2, output_tokens: 40, credits: '0.040000' },
        by_model: [{ model, requests: 2, credits: '0.040000' }],
      },
      closing: { balance: '9.960000', frozen: '0.000000' },
    });
    expect(standard.charges.by_key.map(({ name }) => name).sort()).toEqual(['=build', 'desk']);
    expect(await world.admin.wallet(accountId, 'standard')).toMatchObject({ available: standard.closing.available });
  });

  it('has a correction beside the charge', async () => {
    const headers = { 'idempotency-key': 'ticket 1' };
    await world.admin.post(`/usage/${requestId}/corrections`, { output_tokens: 0, reason: 'ticket 1' }, headers);
    const { charges, corrections, closing } = standardOf(await world.admin.get<Statement>(path()));
    expect(charges.total).toMatchObject({ requests: 2, output_tokens: 40, credits: '0.040000' });
    expect(corrections.total).toMatchObject({ requests: 1, output_tokens: -20 });
    expect(Number(closing.balance)).toBeCloseTo(10 - Number(charges.total.credits) - Number(corrections.total.credits));
  });

  it('comes as CSV whose cells no spreadsheet runs', async () => {
    for (const [query, headers] of [
      ['?format=csv', {}],
      ['', { accept: 'text/csv' }],
    ] as const) {
      const response = await world.admin.send('GET', path() + query, undefined, headers);
      expect(response.headers.get('content-type')).toContain('text/csv');
      expect(response.headers.get('content-disposition')).toContain(`statement-${accountId}-${month}.csv`);
      const lines = (await response.text()).trim().split('\r\n');
      expect(lines).toContain(`${accountId},${month},standard,opening,,,,,,,,,0.000000`);
      expect(lines.filter((line) => line.includes("'=build") || line.includes("'=SUM"))).toHaveLength(2);
      expect(lines.filter((line) => /(^|,)=/.test(line))).toEqual([]);
    }
  });

  it('comes as a page for a browser: names are text, and nothing else may run or load', async () => {
    const accept = 'text/html,application/xhtml+xml,*/*;q=0.8';
    const response = await world.admin.send('GET', path(), undefined, { accept });
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
    expect([response.headers.get('vary'), response.headers.get('x-content-type-options')]).toEqual([
      'Accept',
      'nosniff',
    ]);
    const page = await response.text();
    expect(page).toContain('&lt;script&gt;alert(&quot;Ada&quot;)&lt;/script&gt; &amp; &#39;sons&#39;');
    expect(page).not.toContain('<script');
    expect(page).toContain('Provisional.');
  });

  it('lists its months', async () => {
    const { data, next_cursor: next } = await world.admin.get<{ data: object[]; next_cursor: string | null }>(
      `/accounts/${accountId}/statements?time_zone=Asia/Kolkata`,
    );
    expect(data).toHaveLength(1);
    expect(data[0]).toMatchObject({ provisional: true });
    expect(next).toBeNull();
  });

  it.each([
    ['2999-01', 404, 'statement_not_found'],
    ['2001-01', 404, 'statement_not_found'],
    ['2026-13', 404, 'not_found'],
    ['last', 404, 'not_found'],
    [`${month}?time_zone=Mars/Base`, 400, 'validation_failed'],
    [`${month}?format=pdf`, 400, 'validation_failed'],
    [`${month}?colour=red`, 400, 'validation_failed'],
  ])('refuses %s with %i %s', async (month_, status, code) => {
    const response = await world.admin.send('GET', `/accounts/${accountId}/statements/${month_}`);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([status, code]);
  });

  it('knows no statement of an account that is not there', async () => {
    const response = await world.admin.send(
      'GET',
      `/accounts/01980000-0000-7000-8000-000000000001/statements/${month}`,
    );
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([404, 'account_not_found']);
  });

  it('is written by a command too', async () => {
    const run = (...args: string[]): Promise<Ended> =>
      runCommand('statement', args, {
        DATABASE_URL: world.database.url,
        HASH_SECRETS: `1:${'a'.repeat(43)}=`,
        ENCRYPTION_SECRETS: `1:${'a'.repeat(43)}=`,
      });
    const { code, stdout, stderr } = await run(accountId, month, '--format', 'json');
    expect([code, stderr]).toEqual([0, '']);
    const { up_to: _, ...written } = JSON.parse(stdout) as Statement;
    expect(await world.admin.get<Statement>(path())).toMatchObject(written);
    expect((await run(accountId, month)).stdout).toMatch(/^<!doctype html>/);
    expect(await run(accountId, '2999-01')).toMatchObject({ code: 1, stdout: '' });
    expect(await run(accountId, 'soon')).toMatchObject({ code: 2, stderr: expect.stringContaining('month') as string });
  });
});
