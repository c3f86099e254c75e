import { Client } from 'pg';
import type { ReportView } from '../../src/reconciliation/index.js';
import { runCommand, type Ended } from '../support/command.js';
import { createTestDatabase } from '../support/database.js';
import { chat, prompt } from '../support/chat.js';
import { World } from '../support/world.js';

/** `npm run ledger:verify`. */
const command = (args: readonly string[], env: Record<string, string>): Promise<Ended> =>
  runCommand('verify-ledger', args, env);

describe('the verification of the ledger', () => {
  let world: World;
  let accountId: string;
  let requestId: string;

  beforeAll(async () => {
    world = await World.create();
    const model = await world.model();
    const key = await world.key();
    accountId = key.accountId;
    const response = await chat(world.url, prompt(model.key), { key: key.key });
    requestId = response.headers.get('x-daoe-request-id') ?? '';
    await world.admin.settled(requestId);
  });
  afterAll(async () => {
    await world.destroy();
  });

  const verified = (args: readonly string[] = []): Promise<Ended> =>
    command(args, { DATABASE_URL: world.database.url });

  it('finds nothing after an ordinary request: exit code 0, and the same by the administration API', async () => {
    const { code, stdout, stderr } = await verified(['--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const expected = {
      ok: true,
      wallets: 3,
      rows: 5,
      freezes: 1,
      usage_records: 1,
      difference_count: 0,
      differences: [],
      seals: { published_checkpoints: 0 },
    };
    expect(JSON.parse(stdout)).toMatchObject(expected);
    expect(await world.admin.get<ReportView>('/ledger/verify')).toMatchObject(expected);
    expect(await world.admin.post<ReportView>('/ledger/verify', {})).toMatchObject(expected);
    expect((await world.admin.get<ReportView>('/ledger/verify?seals=false')).seals).toBeNull();
    expect((await verified()).stdout).toContain('no difference');
  });

  it('names each difference with its account, tier, request and both figures: exit code 1', async () => {
    await tamper('update usage_record set credits_used = credits_used + 1, credits_charged = credits_charged + 1');
    try {
      const { code, stdout } = await verified(['--json', '--max', '2']);
      const report = JSON.parse(stdout) as ReportView;
      expect(code).toBe(1);
      expect(report).toMatchObject({ ok: false, difference_count: 4 });
      expect(report.difference_counts).toEqual({ conservation: 1, quota_window: 1, usage_charge: 1, wrong_price: 1 });
      expect(report.differences.length).toBe(2);
      const all = await world.admin.get<ReportView>(`/ledger/verify?account_id=${accountId}`);
      const charge = all.differences.find(({ kind }) => kind === 'usage_charge');
      expect(charge).toMatchObject({ account_id: accountId, tier: 'standard', request_id: requestId });
      expect(Number(charge?.found) - Number(charge?.expected)).toBeCloseTo(0.000001, 9);
    } finally {
      await tamper('update usage_record set credits_used = credits_used - 1, credits_charged = credits_charged - 1');
    }
  });

  it('cannot run without its database, with an unknown option or on another schema: exit code 2', async () => {
    const empty = await createTestDatabase();
    try {
      await sql(empty.url, 'delete from migrations where id = (select max(id) from migrations)');
      const older = await command([], { DATABASE_URL: empty.url });
      expect([older.code, older.stderr]).toEqual([2, expect.stringContaining('schema is older')]);
      await sql(empty.url, 'drop table migrations');
      const none = await command([], { DATABASE_URL: empty.url });
      expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('no schema yet')]);
    } finally {
      await empty.drop();
    }
    const url = empty.url;
    const ended = await Promise.all([
      command([], { DATABASE_URL: url }),
      verified(['--jsno']),
      verified(['--max', 'many']),
      verified(['--no-seals', '--file', 'checkpoints.jsonl']),
      verified(['--file', '/nowhere/checkpoints.jsonl']),
    ]);
    const reasons = ['not verified: cannot open database', '--jsno', '--max', '--file', '/nowhere/checkpoints.jsonl'];
    for (const [at, reason] of reasons.entries()) {
      expect([ended[at]?.code, ended[at]?.stderr]).toEqual([2, expect.stringContaining(reason)]);
    }
  });

  it('explains its options', async () => {
    const { code, stdout } = await verified(['--help']);
    expect(code).toBe(0);
    for (const option of ['--json', '--max', '--account', '--file', '--no-seals', 'Exit code'])
      expect(stdout).toContain(option);
  });

  const tamper = (statement: string): Promise<void> => sql(world.database.url, statement);
});

async function sql(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
