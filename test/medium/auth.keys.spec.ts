import { Client } from 'pg';
import { newToken } from '../../src/auth/domain/token-format.js';
import type { CreatedKey, CreateKeyInput } from '../../src/auth/index.js';
import { micros } from '../../src/platform/money/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { pollUntil, promised } from '../support/poll.js';
import { AuthProcess, HASH_SECRET_1, HASH_SECRET_2, refusalOf } from './auth.process.js';

const WELL_FORMED_STRANGER = 'jt_000000000000000000000000000000003ir6UO';

describe('api keys on Postgres', () => {
  let database: TestDatabase;
  let process1: AuthProcess;
  let process2: AuthProcess;
  let sql: Client;
  let ada: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    process1 = await AuthProcess.start(database.url);
    process2 = await AuthProcess.start(database.url);
    sql = new Client({ connectionString: database.url });
    await sql.connect();
    ada = (await process1.accounts.create({ kind: 'personal', name: 'Ada' })).id;
  });

  afterAll(async () => {
    await sql.end();
    await Promise.all([process1.stop(), process2.stop()]);
    await database.drop();
  });

  async function makeKey(input: Partial<CreateKeyInput> = {}): Promise<CreatedKey> {
    return process1.keys.create({ name: 'prod', ownerAccountId: ada, ...input });
  }

  async function refusedWithin1s(secret: string): Promise<string> {
    const ask = () => process2.keys.authenticate(secret).then(() => null, String);
    return pollUntil(ask, 'the other process refuses', promised(1_000));
  }

  describe('the secret', () => {
    it('is shown once and stored as a keyed hash only', async () => {
      const { record, secret } = await makeKey();
      expect(secret).toMatch(/^jt_[0-9A-Za-z]{38}$/);
      expect(record.display).toBe(`${secret.slice(0, 7)}…${secret.slice(-4)}`);
      const { rows } = await sql.query<{ dump: string }>(
        `select row_to_json(k)::text || row_to_json(s)::text as dump
         from api_key k join api_key_secret s on s.api_key_id = k.id where k.id = $1`,
        [record.id],
      );
      const dump = rows[0]?.dump ?? '';
      expect(dump).toContain(record.id);
      expect(dump).not.toContain(secret.slice(7, -4));
      expect(dump).not.toContain(Buffer.from(secret).toString('hex'));
    });

    it('keeps working while HASH_SECRETS gets a new secret, and not without its own', async () => {
      const { record, secret } = await makeKey();
      const rotated = await AuthProcess.start(database.url, { HASH_SECRETS: `${HASH_SECRET_1},${HASH_SECRET_2}` });
      const replaced = await AuthProcess.start(database.url, { HASH_SECRETS: HASH_SECRET_2 });
      await expect(rotated.keys.authenticate(secret)).resolves.toMatchObject({ id: record.id });
      expect(await refusalOf(replaced.keys.authenticate(secret))).toMatchObject({ message: 'invalid api key' });
      await Promise.all([rotated.stop(), replaced.stop()]);
    });

    it('stops working when its own row expires, as a rotated one does', async () => {
      const { record, secret } = await makeKey();
      await sql.query(`update api_key_secret set expires_at = now() - interval '1 second' where api_key_id = $1`, [
        record.id,
      ]);
      expect(await refusedWithin1s(secret)).toContain('rotated');
    });
  });

  describe('authenticate', () => {
    it('tells who is calling, with everything that later stages need', async () => {
      const { record, secret } = await makeKey({
        tier: 'premium',
        fixedModel: 'acme/small',
        limitDailyMicros: micros(5_000_000n),
        limitWeeklyMicros: micros(0n),
        limitRpm: 60,
        limitConcurrency: 4,
        expiresAt: new Date(Date.now() + 60_000),
      });
      const key = await process2.keys.authenticate(secret);
      expect(key).toEqual({
        id: record.id,
        name: 'prod',
        ownerAccountId: ada,
        billingAccountId: ada,
        billingAccountKind: 'personal',
        status: 'ACTIVE',
        tier: 'premium',
        fixedModel: 'acme/small',
        policyId: null,
        accountPolicyIds: [],
        limitDailyMicros: 5_000_000n,
        limitWeeklyMicros: 0n,
        limitRpm: 60,
        limitConcurrency: 4,
        expiresAt: record.expiresAt,
      });
    });

    it.each([null, ''])('answers %p with missing_api_key', async (presented) => {
      expect(await refusalOf(process1.keys.authenticate(presented))).toMatchObject({
        kind: 'missing_api_key',
        code: 'missing_api_key',
        message: 'missing api key',
      });
    });

    it.each(['sk-1234', 'jt_', "jt_' or 1=1 --", 'x'.repeat(100_000), WELL_FORMED_STRANGER])(
      'answers an unknown key with the same invalid_api_key: %#',
      async (presented) => {
        const refusal = await refusalOf(process1.keys.authenticate(presented));
        expect(refusal).toMatchObject({ kind: 'invalid_api_key', code: 'invalid_api_key', message: 'invalid api key' });
        expect(refusal.facts).toEqual({ valid: false, key_status: null, api_key_id: null, tier: null });
      },
    );

    it('accepts a key that another process made, at once', async () => {
      for (let round = 0; round < 5; round++) {
        const { record, secret } = await makeKey();
        await expect(process2.keys.authenticate(secret)).resolves.toMatchObject({ id: record.id });
      }
    });

    it('shares one look-up among any number of callers of one new key', async () => {
      const { record, secret } = await makeKey();
      const answers = await Promise.all(Array.from({ length: 500 }, () => process2.keys.authenticate(secret)));
      expect(new Set(answers.map(({ id }) => id))).toEqual(new Set([record.id]));
    });

    it('turns a flood of unknown keys away without making known ones wait', async () => {
      const { secret } = await makeKey();
      await process2.changes.catchUp();
      const strangers = Array.from({ length: 200 }, () => newToken('jt_'));
      const flood = Promise.all(strangers.map((stranger) => refusalOf(process2.keys.authenticate(stranger))));
      await expect(process2.keys.authenticate(secret)).resolves.toBeDefined();
      const kinds = new Set((await flood).map(({ kind }) => kind));
      expect([...kinds].sort()).toEqual(['invalid_api_key', 'unavailable']);
    });
  });

  describe('a key that stops passing', () => {
    it.each([
      ['disabled', 'api key is disabled', { valid: false, key_status: 'DISABLED' }],
      ['revoked', 'api key is revoked', { valid: false, key_status: 'REVOKED' }],
    ])('is refused by another process within a second: %s', async (how, message, facts) => {
      const { record, secret } = await makeKey({ tier: 'economy' });
      await process2.keys.authenticate(secret);
      if (how === 'disabled') await process1.keys.patch(record.id, { status: 'DISABLED' });
      else await process1.keys.revoke(record.id);
      expect(await refusedWithin1s(secret)).toContain(message);
      const refusal = await refusalOf(process2.keys.authenticate(secret));
      expect(refusal).toMatchObject({ kind: 'invalid_api_key', code: 'invalid_api_key', message });
      expect(refusal.facts).toMatchObject({ ...facts, api_key_id: record.id, tier: 'economy' });
    });

    it('passes again within a second after it is enabled', async () => {
      const { record, secret } = await makeKey();
      await process1.keys.patch(record.id, { status: 'DISABLED' });
      await refusedWithin1s(secret);
      await process1.keys.patch(record.id, { status: 'ACTIVE' });
      const ask = () => process2.keys.authenticate(secret).catch(() => null);
      await expect(pollUntil(ask, 'the key passes', promised(1_000))).resolves.toMatchObject({ id: record.id });
    });

    it('is refused from the moment at which it expires, without any write', async () => {
      const { record, secret } = await makeKey({ expiresAt: new Date(Date.now() + 60_000) });
      await process2.keys.authenticate(secret);
      process2.clock.aheadMs = 60_001;
      expect(await refusalOf(process2.keys.authenticate(secret))).toMatchObject({
        kind: 'invalid_api_key',
        message: 'api key is expired',
        facts: { key_status: 'EXPIRED', api_key_id: record.id },
      });
      await expect(process2.keys.read(record.id)).resolves.toMatchObject({ status: 'EXPIRED' });
      process2.clock.aheadMs = 0;
    });

    it('is refused while its account is suspended', async () => {
      const account = await process1.accounts.create({ kind: 'personal', name: 'Sue' });
      const { secret } = await makeKey({ ownerAccountId: account.id });
      await process2.keys.authenticate(secret);
      await process1.accounts.patch(account.id, { status: 'suspended' });
      expect(await refusedWithin1s(secret)).toContain('account of the api key is suspended');
      await process1.accounts.patch(account.id, { status: 'active' });
      await process2.changes.catchUp();
      await expect(process2.keys.authenticate(secret)).resolves.toBeDefined();
    });

    it('is refused when its owner leaves the organization that pays, and passes on return', async () => {
      const company = await process1.accounts.create({ kind: 'organization', name: 'Company' });
      await process1.accounts.addMember(company.id, ada);
      const { secret } = await makeKey({ billingAccountId: company.id });
      await expect(process2.keys.authenticate(secret)).resolves.toMatchObject({
        billingAccountId: company.id,
        billingAccountKind: 'organization',
      });
      await process1.accounts.removeMember(company.id, ada);
      expect(await refusedWithin1s(secret)).toContain('no longer a member');
      await process1.accounts.addMember(company.id, ada);
      await process2.changes.catchUp();
      await expect(process2.keys.authenticate(secret)).resolves.toBeDefined();
    });
  });
});
