import { ReconciliationService, StatementService } from '../../src/reconciliation/index.js';
import { newId } from '../../src/platform/ids/index.js';
import { MoneyWorld } from '../support/money-world.js';

const DAY_MS = 86_400_000;
const NOT_ENDED = new AbortController().signal;

describe('the scheduled comparison of the books', () => {
  let world: MoneyWorld;
  beforeAll(async () => {
    world = await MoneyWorld.start();
  });
  afterAll(async () => {
    await world.stop();
  });
  beforeEach(() => world.sql.query('delete from reconciliation_run'));

  const service = (): ReconciliationService => world.app.get(ReconciliationService);

  it('runs once an interval, whoever asks and however many at once', async () => {
    await world.account(1_000n);
    const asked = await Promise.all([1, 2, 3].map(() => service().runWhenDue(DAY_MS, NOT_ENDED)));
    expect(asked.filter((report) => report !== null)).toMatchObject([{ ok: true, wallets: 3, rows: 3 }]);
    expect(await service().runWhenDue(DAY_MS, NOT_ENDED)).toBeNull();
    await world.sql.query(`update reconciliation_run set started_at = started_at - interval '1 day'`);
    expect(await service().runWhenDue(DAY_MS, NOT_ENDED)).toMatchObject({ ok: true });
    const { items } = await service().list({ limit: 1, cursor: null });
    expect(items).toMatchObject([{ report: { ok: true } }]);
  });

  it('leaves a run that is broken off to whoever asks next, and that of a dead process after six hours', async () => {
    await expect(service().runWhenDue(DAY_MS, AbortSignal.abort())).rejects.toThrow(/abort/i);
    await world.sql.query('insert into reconciliation_run (id) values ($1)', [newId()]);
    expect(await service().runWhenDue(DAY_MS, NOT_ENDED)).toBeNull();
    await world.sql.query(`update reconciliation_run set started_at = now() - interval '6 hours 1 minute'`);
    expect(await service().runWhenDue(DAY_MS, NOT_ENDED)).toMatchObject({ ok: true });
  });

  it('compares the seals, too', async () => {
    const accountId = await world.account(1_000n);
    await world.seals.sealPending();
    await world.sql.transaction(async (intruder) => {
      await intruder.query('set local session_replication_role = replica');
      await intruder.query(`update ledger_entry set note = 'edited' where account_id = $1 and tier = 'economy'`, [
        accountId,
      ]);
    });
    const report = await service().runWhenDue(DAY_MS, NOT_ENDED);
    expect(report).toMatchObject({ ok: false, difference_counts: { seal_edited_row: 1 } });
    expect(report?.differences).toMatchObject([{ account_id: accountId, tier: 'economy', subject: 'seq 1' }]);
    await world.sql.transaction(async (intruder) => {
      await intruder.query('set local session_replication_role = replica');
      await intruder.query(`update ledger_entry set note = 'test' where note = 'edited'`);
    });
  });

  it('keeps what it found', async () => {
    const accountId = await world.account(1_000n);
    await world.sql.query(`update wallet set available = 7 where account_id = $1 and tier = 'premium'`, [accountId]);
    await service().runWhenDue(DAY_MS, NOT_ENDED);
    const { items } = await service().list({ limit: 1, cursor: null });
    expect(items[0]?.report).toMatchObject({
      ok: false,
      difference_counts: { balance_without_row: 1, conservation: 1 },
      differences: [
        { kind: 'balance_without_row', account_id: accountId, expected: '0.001000', found: '0.000007' },
        { kind: 'conservation', account_id: accountId },
      ],
    });
    await world.sql.query(`update wallet set available = 1000 where account_id = $1 and tier = 'premium'`, [accountId]);
  });
});

describe('a statement of a provider', () => {
  let world: MoneyWorld;
  let providerId: string;
  const today = new Date().toISOString().slice(0, 10);

  beforeAll(async () => {
    world = await MoneyWorld.start();
    providerId = newId();
    await world.sql.query(
      `insert into provider (id, name, adapter, base_url) values ($1, 'acme', 'openai', 'https://api.acme.example/v1')`,
      [providerId],
    );
    // Two requests that the provider served as `small-1`, and one that another provider served.
    for (const providerName of ['acme', 'acme', 'other']) await served(providerName);
  });
  afterAll(async () => {
    await world.stop();
  });

  async function served(providerName: string): Promise<void> {
    const accountId = await world.account(1_000n);
    const request = world.freezeRequest(accountId, 300n);
    await world.wallets.freeze(request);
    const endpointId = newId();
    const common = { provider: providerName, durationMs: 1 };
    const attempts = [
      {
        ...common,
        endpointId: newId(),
        upstreamModel: 'down-1',
        status: 503,
        failure: 'endpoint_fault',
        reason: 'http_503',
      },
      { ...common, endpointId, upstreamModel: 'small-1', status: 200, failure: null, reason: null },
    ] as const;
    const outcome = world.outcome(60, { providerName, endpointId, attempts, providerCostUsdMicros: '1500000' });
    await world.wallets.capture(accountId, request.id, outcome);
    await world.settlement.settlePending();
  }

  const statements = (): StatementService => world.app.get(StatementService);
  const csv = (line: string): string => `date,model,requests,cost_usd\n${today},${line}`;

  it('that says what our records say has no difference', async () => {
    const comparison = await statements().import(providerId, csv('small-1,2,3.00'));
    expect(comparison).toMatchObject({ lines: 1, differences: [], days: { first: today, last: today } });
    expect(await statements().recentDifferences()).toEqual([]);
  });

  it('that counts another number of requests is a discrepancy, also of the scheduled comparison', async () => {
    const expected = { kind: 'statement_requests', expected: '3', found: '2' };
    const { differences } = await statements().import(providerId, csv('small-1,3,3.00'));
    expect(differences).toMatchObject([{ ...expected, subject: `provider acme, day ${today}, model small-1` }]);
    expect(await statements().recentDifferences()).toMatchObject([expected]);
    const report = await world.app.get(ReconciliationService).runWhenDue(DAY_MS, NOT_ENDED);
    expect(report).toMatchObject({ ok: false, difference_counts: { statement_requests: 1 } });
  });

  it('that asks for another cost is a discrepancy', async () => {
    const { differences } = await statements().import(providerId, csv('small-1,2,3.50'));
    expect(differences).toMatchObject([{ kind: 'statement_cost', expected: '3500000', found: '3000000' }]);
  });

  it('that names a model which we never called there is a discrepancy, and so is one that leaves ours out', async () => {
    const { differences } = await statements().import(providerId, csv('large-1,1,0.50'));
    expect(differences.map(({ kind, subject }) => [kind, subject?.split(' ').at(-1)])).toEqual([
      ['statement_requests', 'large-1'],
      ['statement_cost', 'large-1'],
      ['statement_requests', 'small-1'],
      ['statement_cost', 'small-1'],
    ]);
  });

  it('that cannot be read changes nothing', async () => {
    await statements().import(providerId, csv('small-1,2,3.00'));
    await expect(statements().import(providerId, csv('small-1,two,3.00'))).rejects.toMatchObject({
      code: 'invalid_statement',
      param: 'csv',
    });
    expect(await statements().recentDifferences()).toEqual([]);
  });
});
