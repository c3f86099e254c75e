import { Client } from 'pg';
import { newToken } from '../../src/auth/domain/token-format.js';
import { outageOf } from '../../src/platform/database/index.js';
import { micros } from '../../src/platform/money/index.js';
import { adminDatabaseUrl, createTestDatabase, type TestDatabase } from '../support/database.js';
import { pollUntil } from '../support/poll.js';
import { AuthProcess, refusalOf } from './auth.process.js';

describe('auth and policy without their database', () => {
  let database: TestDatabase;
  let auth: AuthProcess;
  let server: Client;

  beforeAll(async () => {
    database = await createTestDatabase();
    auth = await AuthProcess.start(database.url);
    server = new Client({ connectionString: adminDatabaseUrl() });
    await server.connect();
  });

  afterAll(async () => {
    await auth.stop();
    await server.end();
    await database.drop();
  });

  async function setOutage(down: boolean): Promise<void> {
    const name = new URL(database.url).pathname.slice(1);
    await server.query(`alter database ${name} with allow_connections ${String(!down)}`);
    if (down) await server.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
  }

  it('goes on with what it knows, says 503 to what it cannot know, and recovers by itself', async () => {
    const owner = await auth.accounts.create({ kind: 'personal', name: 'Ada' });
    const policy = await auth.policies.create({ name: 'p', allowedTiers: ['standard'] });
    const make = (limits: object) =>
      auth.keys.create({ name: 'k', ownerAccountId: owner.id, policyId: policy.id, ...limits });
    const [plain, limited] = [await make({}), await make({ limitDailyMicros: micros(10n) })];
    await auth.changes.catchUp();
    await setOutage(true);

    const key = await auth.keys.authenticate(plain.secret);
    const clientIp = { address: '203.0.113.7', source: 'socket' as const };
    const request = { key, clientIp, requestedTier: null, requestedModel: null, findModel: () => null };
    expect(auth.policies.decide(request).allowedTiers).toEqual(['standard']);
    await expect(auth.policies.checkQuota(key)).resolves.toBeUndefined();
    expect(await refusalOf(auth.keys.authenticate(newToken('jt_')))).toMatchObject({ kind: 'unavailable' });
    const limitedKey = await auth.keys.authenticate(limited.secret);
    const failure: unknown = await auth.policies.checkQuota(limitedKey).catch((error: unknown) => error);
    expect(outageOf(failure)).toMatchObject({ kind: 'unavailable' });

    await setOutage(false);
    const stranger = newToken('jt_');
    const ask = async () => {
      const { kind } = await refusalOf(auth.keys.authenticate(stranger));
      return kind === 'invalid_api_key' ? kind : null;
    };
    await pollUntil(ask, 'unknown keys are looked up again');
    await expect(auth.policies.checkQuota(limitedKey)).resolves.toBeUndefined();
  });
});
