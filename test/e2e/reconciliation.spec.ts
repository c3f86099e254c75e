import type { ReportView } from '../../src/reconciliation/index.js';
import { Client } from 'pg';
import { chat, prompt } from '../support/chat.js';
import { runCommand, type Ended } from '../support/command.js';
import { gatewayEnvironment } from '../support/gateway.js';
import { pollUntil } from '../support/poll.js';
import { World } from '../support/world.js';

interface Reconciliations {
  data: { report: ReportView }[];
}

interface Statement {
  ok: boolean;
  differences: { kind: string; expected: string; found: string }[];
}

const VIEWER_TOKEN = 'viewer-token-of-the-test';

describe('reconciliation', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.create({ RECONCILE_INTERVAL_MS: '500', VIEWER_TOKEN });
  });
  afterAll(() => world.destroy());

  const lastReport = async (): Promise<ReportView | null> =>
    (await world.admin.get<Reconciliations>('/ledger/reconciliations?limit=1')).data[0]?.report ?? null;

  async function metrics(): Promise<string> {
    const response = await fetch(`${world.url}/metrics`, { headers: { authorization: `Bearer ${VIEWER_TOKEN}` } });
    return response.text();
  }

  it('reports drift as a metric, as one alert line and in a list, and its end as well', async () => {
    const accountId = await world.account();
    await pollUntil(async () => ((await lastReport())?.wallets === 3 ? true : null), 'a comparison');
    expect(await metrics()).toMatch(/^ledger_differences\{kind="balance_without_row"\} 0$/m);
    expect(await metrics()).toMatch(
      /^ledger_reconciled_timestamp_seconds 1\.\d+e9$|^ledger_reconciled_timestamp_seconds \d{10}/m,
    );

    await sql(`update wallet set available = available - 5 where account_id = '${accountId}' and tier = 'premium'`);
    await pollUntil(async () => ((await lastReport())?.ok === false ? true : null), 'the drift');
    expect(await metrics()).toMatch(/^ledger_differences\{kind="balance_without_row"\} 1$/m);
    const logged = async () => world.gateway.logLines().find((line) => line['alert'] === 'ledger_drift') ?? null;
    expect(await pollUntil(logged, 'the alert line')).toMatchObject({
      level: 'error',
      difference_counts: { balance_without_row: 1, conservation: 1 },
      first: [
        { account_id: accountId, tier: 'premium' },
        { account_id: accountId, tier: 'premium' },
      ],
    });

    await sql(`update wallet set available = available + 5 where account_id = '${accountId}' and tier = 'premium'`);
    await pollUntil(async () => ((await lastReport())?.ok === true ? true : null), 'the end of the drift');
    expect(await metrics()).toMatch(/^ledger_differences\{kind="balance_without_row"\} 0$/m);
  });

  it('compares the statement of a provider with what it really served', async () => {
    const model = await world.model();
    const key = await world.key();
    for (let call = 0; call < 3; call += 1) {
      const response = await chat(world.url, prompt(model.key), { key: key.key });
      await world.admin.settled(response.headers.get('x-daoe-request-id') ?? '');
    }
    const { data } = await world.admin.get<{ data: { id: string; name: string }[] }>('/providers');
    const path = `/providers/${data.find(({ name }) => name === model.providers[0])?.id ?? ''}/statements`;
    const today = new Date().toISOString().slice(0, 10);
    const csv = (requests: number): string =>
      `date,model,requests,cost_usd\n${today},ok-n20-p10,${requests.toString()},0\n`;

    expect(await world.admin.post<Statement>(path, { csv: csv(3) })).toMatchObject({ ok: true, differences: [] });
    const differing = await world.admin.post<Statement>(path, { csv: csv(4) });
    expect(differing).toMatchObject({
      ok: false,
      differences: [{ kind: 'statement_requests', expected: '4', found: '3' }],
    });
    expect(await world.admin.get<Statement>(`${path}?from=${today}&to=${today}`)).toEqual(differing);
    const year = await world.admin.send('GET', `${path}?from=2020-01-01`);
    expect([year.status, ((await year.json()) as { code: string }).code]).toEqual([422, 'invalid_field']);
    const refused = await world.admin.send('POST', path, { csv: 'date,model\n' });
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([422, 'invalid_statement']);
  });

  it('compares a statement by the command, too: exit code 0, 1, or 2 and the reason', async () => {
    const model = await world.model();
    const key = await world.key();
    const response = await chat(world.url, prompt(model.key), { key: key.key });
    await world.admin.settled(response.headers.get('x-daoe-request-id') ?? '');
    const provider = model.providers[0] ?? '';
    const today = new Date().toISOString().slice(0, 10);
    const csv = (requests: number): string =>
      `date,model,requests,cost_usd\n${today},ok-n20-p10,${requests.toString()},0\n`;
    const env = gatewayEnvironment({ databaseUrl: world.database.url });
    const check = (args: string[], input = ''): Promise<Ended> =>
      runCommand('statement-check', ['--file', '-', ...args], env, input);

    const same = await check(['--provider', provider], csv(1));
    expect([same.code, same.stdout]).toEqual([0, expect.stringContaining('no difference')]);
    const differing = await check(['--provider', provider, '--json'], csv(2));
    expect([differing.code, JSON.parse(differing.stdout)]).toMatchObject([
      1,
      { ok: false, differences: [{ kind: 'statement_requests', expected: '2', found: '1' }] },
    ]);
    for (const [given, input, reason] of [
      [['--provider', 'nobody'], csv(1), 'not compared'],
      [['--provider', provider], 'date,model\n', 'line 1'],
      [['--tolerance-percent', '1'], csv(1), '--provider'],
    ] as const) {
      const { code, stderr } = await check([...given], input);
      expect([code, stderr]).toEqual([2, expect.stringContaining(reason)]);
    }
  });

  async function sql(statement: string): Promise<void> {
    const client = new Client({ connectionString: world.database.url });
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  }
});
