import { Client } from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { pollUntil, promised } from '../support/poll.js';
import { AuthProcess, refusalOf } from './auth.process.js';

const CONFIGURED = 'a-configured-admin-token';
const VIEWER = 'a-configured-viewer-token';

describe('admin tokens on Postgres', () => {
  let database: TestDatabase;
  let sql: Client;
  const running: AuthProcess[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    sql = new Client({ connectionString: database.url });
    await sql.connect();
  });

  afterEach(async () => {
    await Promise.all(running.splice(0).map((auth) => auth.stop()));
    await sql.query('delete from admin_token');
  });

  afterAll(async () => {
    await sql.end();
    await database.drop();
  });

  async function start(settings: Record<string, string> = {}): Promise<AuthProcess> {
    const auth = await AuthProcess.start(database.url, settings);
    running.push(auth);
    return auth;
  }

  it('makes one bootstrap token, once, however many processes start', async () => {
    const processes = await Promise.all([start(), start(), start()]);
    const tokens = (await Promise.all(processes.map((auth) => auth.adminTokens.ensureBootstrap()))).filter(
      (token) => token !== null,
    );
    expect(tokens).toHaveLength(1);
    expect(tokens[0]).toMatch(/^ja_[0-9A-Za-z]{38}$/);
    await processes[0].changes.catchUp();
    expect(processes[0].adminTokens.authenticate(tokens[0] ?? '')).toMatchObject({ name: 'bootstrap', role: 'owner' });
    await expect((await start()).adminTokens.ensureBootstrap()).resolves.toBeNull();
    const { rows } = await sql.query<{ dump: string }>('select row_to_json(t)::text as dump from admin_token t');
    expect(rows).toHaveLength(1);
    expect(rows[0]?.dump).not.toContain(tokens[0]?.slice(3));
  });

  it('accepts its own bootstrap token at once', async () => {
    const auth = await start();
    const token = await auth.adminTokens.ensureBootstrap();
    expect(auth.adminTokens.authenticate(token)).toMatchObject({ role: 'owner' });
  });

  it('takes ADMIN_TOKEN for an owner and then makes no token', async () => {
    const auth = await start({ ADMIN_TOKEN: CONFIGURED });
    await expect(auth.adminTokens.ensureBootstrap()).resolves.toBeNull();
    expect(auth.adminTokens.authenticate(CONFIGURED)).toEqual({
      id: '00000000-0000-0000-0000-000000000000',
      name: 'ADMIN_TOKEN',
      role: 'owner',
    });
  });

  it.each([
    ['missing_admin_token', null],
    ['missing_admin_token', ''],
    ['invalid_admin_token', 'a-configured-admin-toke'],
    ['invalid_admin_token', 'ja_unknown'],
    ['invalid_admin_token', VIEWER],
  ])('refuses with %s: %p', async (code, token) => {
    const auth = await start({ ADMIN_TOKEN: CONFIGURED, VIEWER_TOKEN: VIEWER });
    expect(await refusalOf(() => auth.adminTokens.authenticate(token))).toMatchObject({ kind: 'unauthorized', code });
  });

  it('does not take an API key for an admin token', async () => {
    const auth = await start();
    const owner = await auth.accounts.create({ kind: 'personal', name: 'Ada' });
    const { secret } = await auth.keys.create({ name: 'k', ownerAccountId: owner.id });
    await auth.changes.catchUp();
    expect(await refusalOf(() => auth.adminTokens.authenticate(secret))).toMatchObject({ kind: 'unauthorized' });
  });

  it('ends tokens that are revoked or past their time, in other processes too', async () => {
    const [maker, other] = [await start(), await start()];
    const lasting = await maker.registry.create({ name: 'ci', role: 'operator', expiresAt: null });
    const expiresAt = new Date(Date.now() + 60_000);
    const brief = await maker.registry.create({ name: 'brief', role: 'viewer', expiresAt });
    await other.changes.catchUp();
    expect(other.adminTokens.authenticate(lasting.token)).toEqual({
      id: lasting.record.id,
      name: 'ci',
      role: 'operator',
    });
    expect(other.adminTokens.authenticate(brief.token)).toMatchObject({ role: 'viewer' });
    other.clock.aheadMs = 60_001;
    expect(await refusalOf(() => other.adminTokens.authenticate(brief.token))).toMatchObject({ kind: 'unauthorized' });
    await sql.query('update admin_token set revoked_at = now() where id = $1', [lasting.record.id]);
    const ask = async () => refusalOf(() => other.adminTokens.authenticate(lasting.token)).catch(() => null);
    await expect(pollUntil(ask, 'the token is refused', promised(1_000))).resolves.toMatchObject({
      kind: 'unauthorized',
    });
  });

  it('lets VIEWER_TOKEN and every admin token observe, and nobody else', async () => {
    const auth = await start({ VIEWER_TOKEN: VIEWER });
    const token = await auth.adminTokens.ensureBootstrap();
    expect([VIEWER, token].map((presented) => auth.adminTokens.mayObserve(presented))).toEqual([true, true]);
    expect([null, '', 'x', CONFIGURED].map((presented) => auth.adminTokens.mayObserve(presented))).toEqual(
      Array.from({ length: 4 }, () => false),
    );
  });
});
