import { Client } from 'pg';
import type { CreatedKey, CreateKeyInput } from '../../src/auth/index.js';
import { newId } from '../../src/platform/ids/index.js';
import { micros } from '../../src/platform/money/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { AuthProcess, refusalOf } from './auth.process.js';

describe('administration of api keys on Postgres', () => {
  let database: TestDatabase;
  let auth: AuthProcess;
  let sql: Client;
  let ada: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    auth = await AuthProcess.start(database.url);
    sql = new Client({ connectionString: database.url });
    await sql.connect();
    ada = (await auth.accounts.create({ kind: 'personal', name: 'Ada' })).id;
  });

  afterAll(async () => {
    await sql.end();
    await auth.stop();
    await database.drop();
  });

  async function makeKey(input: Partial<CreateKeyInput> = {}): Promise<CreatedKey> {
    return auth.keys.create({ name: 'prod', ownerAccountId: ada, ...input });
  }

  it('reads back what was stored', async () => {
    const { record } = await makeKey({ name: '  spaced  ', limitDailyMicros: micros(1n) });
    expect(record.name).toBe('spaced');
    await expect(auth.keys.read(record.id)).resolves.toEqual(record);
    await expect(auth.keys.find(newId())).resolves.toBeNull();
    await expect(auth.keys.find('not-an-id')).resolves.toBeNull();
    expect(await refusalOf(auth.keys.read(newId()))).toMatchObject({ kind: 'not_found' });
  });

  it.each<[string, Partial<CreateKeyInput>, string]>([
    ['owner_account_id', { ownerAccountId: newId() }, 'unknown_reference'],
    ['owner_account_id', { ownerAccountId: 'nobody' }, 'unknown_reference'],
    ['billing_account_id', { billingAccountId: newId() }, 'unknown_reference'],
    ['policy_id', { policyId: newId() }, 'unknown_reference'],
    ['policy_id', { policyId: 'nothing' }, 'unknown_reference'],
    ['limit_daily', { limitDailyMicros: micros(-1n) }, 'invalid_field'],
    ['limit_weekly', { limitWeeklyMicros: micros(10n ** 30n) }, 'invalid_field'],
    ['limit_rpm', { limitRpm: 1.5 }, 'invalid_field'],
    ['limit_concurrency', { limitConcurrency: -1 }, 'invalid_field'],
    ['fixed_model', { fixedModel: 'auto' }, 'invalid_field'],
    ['expires_at', { expiresAt: new Date(0) }, 'invalid_field'],
    ['name', { name: ' ' }, 'invalid_field'],
  ])('names the field %s that it cannot take', async (param, input, code) => {
    expect(await refusalOf(makeKey(input))).toMatchObject({ kind: 'unprocessable', param, code });
  });

  it('lets only the owner or an organization of the owner pay', async () => {
    const stranger = await auth.accounts.create({ kind: 'personal', name: 'Bob' });
    const company = await auth.accounts.create({ kind: 'organization', name: 'Other' });
    for (const billingAccountId of [stranger.id, company.id]) {
      expect(await refusalOf(makeKey({ billingAccountId }))).toMatchObject({
        code: 'billing_account_not_allowed',
        param: 'billing_account_id',
      });
    }
  });

  it('changes what a patch names and nothing else', async () => {
    const { record } = await makeKey({ tier: 'premium', limitDailyMicros: micros(7n), limitRpm: 1 });
    const patched = await auth.keys.patch(record.id, { tier: null, limitDailyMicros: micros(9n), name: 'new' });
    expect(patched).toMatchObject({ tier: null, limitDailyMicros: 9n, limitRpm: 1, name: 'new', status: 'ACTIVE' });
    expect(patched.updatedAt.getTime()).toBeGreaterThanOrEqual(record.updatedAt.getTime());
  });

  it('never brings a revoked key back', async () => {
    const { record } = await makeKey();
    await auth.keys.revoke(record.id);
    expect(await refusalOf(auth.keys.patch(record.id, { status: 'ACTIVE' }))).toMatchObject({ kind: 'conflict' });
    await expect(auth.keys.revoke(record.id)).resolves.toMatchObject({ status: 'REVOKED' });
    expect(await refusalOf(auth.keys.revoke(newId()))).toMatchObject({ kind: 'not_found' });
  });

  it('lists page by page, newest first, filtered by what is shown', async () => {
    const owner = (await auth.accounts.create({ kind: 'personal', name: 'Lister' })).id;
    const made: string[] = [];
    for (let index = 0; index < 5; index++) made.unshift((await makeKey({ ownerAccountId: owner })).record.id);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await auth.keys.list({ ownerAccountId: owner }, { limit: 2, cursor });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(made);

    await sql.query(`update api_key set expires_at = now() - interval '1 day' where id = $1`, [made[0]]);
    await auth.keys.revoke(made[1] ?? '');
    const idsOf = async (status: 'ACTIVE' | 'EXPIRED' | 'REVOKED' | 'DISABLED') => {
      const page = await auth.keys.list({ ownerAccountId: owner, status }, { limit: 9, cursor: null });
      return page.items.map(({ id }) => id);
    };
    await expect(idsOf('EXPIRED')).resolves.toEqual([made[0]]);
    await expect(idsOf('REVOKED')).resolves.toEqual([made[1]]);
    await expect(idsOf('DISABLED')).resolves.toEqual([]);
    await expect(idsOf('ACTIVE')).resolves.toEqual(made.slice(2));
  });

  it('writes last uses at shutdown, and never moves them back', async () => {
    const { record, secret } = await makeKey();
    expect(record.lastUsedAt).toBeNull();
    const early = await AuthProcess.start(database.url);
    const late = await AuthProcess.start(database.url);
    late.clock.aheadMs = 60_000;
    await early.keys.authenticate(secret);
    await late.keys.authenticate(secret);
    await late.stop();
    const afterLate = (await auth.keys.read(record.id)).lastUsedAt;
    await early.stop();
    expect(afterLate).not.toBeNull();
    await expect(auth.keys.read(record.id)).resolves.toMatchObject({ lastUsedAt: afterLate });
  });

  it('does not announce a use as a change of the key', async () => {
    const { secret } = await makeKey();
    const versionOf = async () => (await sql.query<{ version: string }>('select version from config_version')).rows[0];
    const process3 = await AuthProcess.start(database.url);
    const before = await versionOf();
    await process3.keys.authenticate(secret);
    await process3.stop();
    expect(await versionOf()).toEqual(before);
  });
});
