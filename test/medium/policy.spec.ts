import { Client } from 'pg';
import type { AuthenticatedKey } from '../../src/auth/index.js';
import { newId } from '../../src/platform/ids/index.js';
import { micros } from '../../src/platform/money/index.js';
import type { PolicyDecision } from '../../src/policy/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { pollUntil, promised } from '../support/poll.js';
import { AuthProcess, refusalOf } from './auth.process.js';

describe('policies on Postgres', () => {
  let database: TestDatabase;
  let process1: AuthProcess;
  let process2: AuthProcess;
  let sql: Client;
  let ada: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    process1 = await AuthProcess.start(database.url);
    process2 = await AuthProcess.start(database.url, { TRUSTED_PROXIES: '127.0.0.0/8', DEFAULT_MODEL: 'acme/small' });
    sql = new Client({ connectionString: database.url });
    await sql.connect();
    ada = (await process1.accounts.create({ kind: 'personal', name: 'Ada' })).id;
  });

  afterAll(async () => {
    await sql.end();
    await Promise.all([process1.stop(), process2.stop()]);
    await database.drop();
  });

  async function keyWith(policyId: string | null, limits: Partial<AuthenticatedKey> = {}): Promise<AuthenticatedKey> {
    const { secret } = await process1.keys.create({ name: 'k', ownerAccountId: ada, policyId, ...limits });
    await process2.changes.catchUp();
    return process2.keys.authenticate(secret);
  }

  function decide(auth: AuthProcess, key: AuthenticatedKey, address: string): PolicyDecision {
    const clientIp = { address, source: 'socket' as const };
    return auth.policies.decide({ key, clientIp, requestedTier: null, requestedModel: null, findModel: () => null });
  }

  describe('administration', () => {
    it('reads back what was stored, as it was checked', async () => {
      const created = await process1.policies.create({
        name: ' office ',
        allowedTiers: ['premium', 'economy'],
        ipAllowlist: ['10.0.0.0/8', '10.0.0.0/8', '::1'],
        modelBlacklist: ['*-preview'],
      });
      expect(created).toMatchObject({
        name: 'office',
        allowedTiers: ['economy', 'premium'],
        ipAllowlist: ['10.0.0.0/8', '::1'],
        ipBlocklist: [],
        modelBlacklist: ['*-preview'],
      });
      await expect(process1.policies.read(created.id)).resolves.toEqual(created);
      await expect(process1.policies.patch(created.id, { ipAllowlist: [] })).resolves.toMatchObject({
        name: 'office',
        allowedTiers: ['economy', 'premium'],
        ipAllowlist: [],
      });
    });

    it('names the range that it cannot read and stores nothing', async () => {
      const refusal = await refusalOf(
        process1.policies.create({ name: 'bad', ipBlocklist: ['10.0.0.0/8', '10.0/33'] }),
      );
      expect(refusal).toMatchObject({ kind: 'unprocessable', param: 'ip_blocklist' });
      expect(refusal.message).toContain('10.0/33');
      const { rows } = await sql.query(`select 1 from policy where name = 'bad'`);
      expect(rows).toEqual([]);
    });

    it.each(['not-an-id', newId()])('answers an unknown policy with not_found: %s', async (id) => {
      for (const call of [
        () => process1.policies.read(id),
        () => process1.policies.patch(id, { name: 'x' }),
        () => process1.policies.remove(id),
      ]) {
        expect(await refusalOf(call)).toMatchObject({ kind: 'not_found', code: 'policy_not_found' });
      }
    });

    it('keeps a policy that keys use', async () => {
      const { id } = await process1.policies.create({ name: 'used' });
      await keyWith(id);
      expect(await refusalOf(process1.policies.remove(id))).toMatchObject({ kind: 'conflict', code: 'policy_in_use' });
      const unused = await process1.policies.create({ name: 'unused' });
      await process1.policies.remove(unused.id);
      await expect(process1.policies.find(unused.id)).resolves.toBeNull();
    });

    it('lists page by page, newest first', async () => {
      const made = [await process1.policies.create({ name: '1' }), await process1.policies.create({ name: '2' })];
      const first = await process1.policies.list({ limit: 1, cursor: null });
      const second = await process1.policies.list({ limit: 1, cursor: first.nextCursor });
      expect([...first.items, ...second.items]).toEqual(made.toReversed());
    });
  });

  describe('in force', () => {
    it('in every process within a second of a change', async () => {
      const { id } = await process1.policies.create({ name: 'moving' });
      const key = await keyWith(id);
      expect(decide(process2, key, '203.0.113.7').model).toBe('acme/small');
      await process1.policies.patch(id, { ipBlocklist: ['203.0.113.0/24'] });
      const ask = () => refusalOf(() => decide(process2, key, '203.0.113.7')).catch(() => null);
      await expect(pollUntil(ask, 'the address is blocked', promised(1_000))).resolves.toMatchObject({
        code: 'ip_blocked',
      });
    });

    it('allows nothing when the policy was written past the door and cannot be read', async () => {
      const { id } = await process1.policies.create({ name: 'broken' });
      const key = await keyWith(id);
      await sql.query(`update policy set ip_blocklist = '{nonsense}' where id = $1`, [id]);
      await process2.changes.catchUp();
      expect(await refusalOf(() => decide(process2, key, '203.0.113.7'))).toMatchObject({
        kind: 'unavailable',
        code: 'policy_unusable',
      });
    });

    it('believes headers only from TRUSTED_PROXIES', () => {
      const from = ({ policies }: AuthProcess, remoteAddress: string): string =>
        policies.clientIpOf({ socket: { remoteAddress }, headers: { 'x-forwarded-for': '203.0.113.7' } }).address;
      expect(from(process1, '127.0.0.1')).toBe('127.0.0.1');
      expect(from(process2, '127.0.0.1')).toBe('203.0.113.7');
      expect(from(process2, '::ffff:127.0.0.1')).toBe('203.0.113.7');
      expect(from(process2, '198.51.100.1')).toBe('198.51.100.1');
    });
  });

  describe('quotas', () => {
    async function use(key: AuthenticatedKey, day: string, amount: bigint): Promise<void> {
      await sql.query(
        `insert into quota_day (account_id, api_key_id, day, used) values ($1, $2, ${day}, $3)
         on conflict (account_id, api_key_id, day) do update set used = excluded.used`,
        [key.billingAccountId, key.id, amount],
      );
    }

    const TODAY = `(now() at time zone 'utc')::date`;

    it('does nothing for a key without quotas', async () => {
      const key = await keyWith(null);
      await use(key, TODAY, 10n ** 15n);
      await expect(process2.policies.checkQuota(key)).resolves.toBeUndefined();
    });

    it.each([
      ['daily', { limitDailyMicros: micros(100n) }],
      ['weekly', { limitWeeklyMicros: micros(100n) }],
    ])('refuses when the %s quota is used up to the last micro-credit', async (window, limits) => {
      const key = await keyWith(null, limits);
      await use(key, TODAY, 99n);
      await expect(process2.policies.checkQuota(key)).resolves.toBeUndefined();
      await use(key, TODAY, 100n);
      const ask = () => refusalOf(process2.policies.checkQuota(key)).catch(() => null);
      const refusal = await pollUntil(ask, 'the hint is forgotten');
      expect(refusal).toMatchObject({ kind: 'insufficient_quota', code: `${window}_quota_exceeded` });
      await use(key, TODAY, 99n);
      await expect(process2.policies.checkQuota(key)).resolves.toBeUndefined();
    });

    it('allows nothing under a quota of zero', async () => {
      const key = await keyWith(null, { limitDailyMicros: micros(0n) });
      expect(await refusalOf(process2.policies.checkQuota(key))).toMatchObject({ code: 'daily_quota_exceeded' });
    });

    it('forgets what was used before the window', async () => {
      const key = await keyWith(null, { limitDailyMicros: micros(100n), limitWeeklyMicros: micros(100n) });
      await use(key, `${TODAY} - 7`, 1_000n);
      await expect(process2.policies.checkQuota(key)).resolves.toBeUndefined();
    });
  });
});
