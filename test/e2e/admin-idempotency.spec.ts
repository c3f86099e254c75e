import { IdempotencyRetention } from '../../src/admin/idempotency/idempotency-retention.js';
import { AdminApp, answerOf, type Answer } from './admin.app.js';

interface Identified {
  id: string;
}

interface CreatedKey extends Identified {
  key: string | null;
  replayed?: boolean;
}

interface Credit {
  wallet: { tier: string; available: string; frozen: string };
  entry_id: string;
}

const TOP_UP = { amount: '10', reference: 'invoice 7' };

describe('Idempotency-Key', () => {
  let app: AdminApp;
  let accountId: string;
  let topUps: string;

  beforeAll(async () => {
    app = await AdminApp.start();
  });

  afterAll(async () => app.stop());

  beforeEach(async () => {
    accountId = (await app.admin.post<Identified>('/accounts', { kind: 'personal', name: 'Ada' })).id;
    topUps = `/accounts/${accountId}/wallets/standard/top-ups`;
  });

  it('is required where money moves', async () => {
    const adjustments = `/accounts/${accountId}/wallets/standard/adjustments`;
    for (const [path, body] of [
      [topUps, TOP_UP],
      [adjustments, { amount: '1', reason: 'x' }],
    ] as const) {
      const answer = await app.call('POST', path, body);
      expect([answer.status, answer.body.code]).toEqual([400, 'idempotency_key_required']);
    }
    expect((await app.admin.wallet(accountId, 'standard')).available).toBe('0.000000');
  });

  it('makes a repeated top-up count once and gives the same answer again', async () => {
    const headers = { 'idempotency-key': `${accountId}-1` };
    const first = await app.call<Credit>('POST', topUps, TOP_UP, headers);
    const second = await app.call<Credit>('POST', topUps, TOP_UP, headers);
    expect(first.status).toBe(201);
    expect(first.body).toEqual({
      wallet: { tier: 'standard', available: '10.000000', frozen: '0.000000' },
      entry_id: first.body.entry_id,
    });
    expect([second.status, second.body]).toEqual([first.status, first.body]);
    expect([first.headers.get('idempotency-replayed'), second.headers.get('idempotency-replayed')]).toEqual([
      null,
      'true',
    ]);
    expect((await app.admin.wallet(accountId, 'standard')).available).toBe('10.000000');
  });

  it('counts a top-up once for the account, whichever operator repeats it', async () => {
    const headers = { 'idempotency-key': `${accountId}-2` };
    const colleague = await app.clientOf('operator');
    await app.call('POST', topUps, TOP_UP, headers);
    const second = await answerOf<Credit>(await colleague.send('POST', topUps, TOP_UP, headers));
    expect([second.status, second.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    expect((await app.admin.wallet(accountId, 'standard')).available).toBe('10.000000');
  });

  it('is refused with another body, another path and, for the account, another amount of a colleague', async () => {
    const headers = { 'idempotency-key': `${accountId}-3` };
    const colleague = await app.clientOf('operator');
    await app.call('POST', topUps, TOP_UP, headers);
    const otherBody = await app.call('POST', topUps, { ...TOP_UP, amount: '11' }, headers);
    const otherPath = await app.call('POST', topUps.replace('standard', 'premium'), TOP_UP, headers);
    const ofColleague = await answerOf(await colleague.send('POST', topUps, { ...TOP_UP, amount: '11' }, headers));
    expect([otherBody.status, otherBody.body.code]).toEqual([409, 'idempotency_key_reused']);
    expect([otherPath.status, otherPath.body.code]).toEqual([409, 'idempotency_key_reused']);
    expect(ofColleague.status).toBe(409);
    expect((await app.admin.wallet(accountId, 'standard')).available).toBe('10.000000');
  });

  it('lets exactly one of many parallel requests run', async () => {
    const headers = { 'idempotency-key': `${accountId}-4` };
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => app.call<Credit>('POST', topUps, TOP_UP, headers)),
    );
    const statuses = new Set(answers.map(({ status }) => status));
    expect([...statuses].filter((status) => status !== 201 && status !== 409)).toEqual([]);
    expect(statuses).toContain(201);
    expect((await app.admin.wallet(accountId, 'standard')).available).toBe('10.000000');
  });

  it('counts once for two operators at the same moment, in whichever tier each of them puts it', async () => {
    const headers = { 'idempotency-key': `${accountId}-once` };
    const colleague = await app.clientOf('operator');
    const paths = [topUps, topUps.replace('standard', 'premium')];
    const answers = await Promise.all(
      [app.admin, colleague].flatMap((client) => paths.map((path) => client.send('POST', path, TOP_UP, headers))),
    );
    expect(answers.map(({ status }) => status).filter((status) => status !== 201 && status !== 409)).toEqual([]);
    const wallets = await Promise.all(['standard', 'premium'].map((tier) => app.admin.wallet(accountId, tier)));
    expect(wallets.map(({ available }) => available).sort()).toEqual(['0.000000', '10.000000']);
  });

  it('does not depend on the order of fields in the body', async () => {
    const headers = { 'idempotency-key': `${accountId}-5` };
    await app.call('POST', topUps, { amount: '1', reference: 'x' }, headers);
    const second = await app.call('POST', topUps, { reference: 'x', amount: '1' }, headers);
    expect([second.status, second.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
  });

  it('never gives the secret of a key a second time and stores it nowhere', async () => {
    const headers = { 'idempotency-key': `${accountId}-6` };
    const body = { name: 'prod', owner_account_id: accountId };
    const first = await app.call<CreatedKey>('POST', '/api-keys', body, headers);
    const second = await app.call<CreatedKey>('POST', '/api-keys', body, headers);
    expect(first.body.key).toMatch(/^jt_/);
    expect(first.body).not.toHaveProperty('replayed');
    expect([second.status, second.body]).toEqual([201, { ...first.body, key: null, replayed: true }]);
    const stored = await app.query<{ stored: string }>(
      `select string_agg(i::text, '') || (select string_agg(a::text, '') from audit_log a) as stored from admin_idempotency i`,
    );
    expect(stored[0]?.stored).toContain(first.body.id);
    expect(stored[0]?.stored).not.toContain(first.body.key);
  });

  it('is free again after a refusal, which changed nothing', async () => {
    const headers = { 'idempotency-key': `${accountId}-7` };
    const refused = await app.call(
      'POST',
      '/api-keys',
      { name: 'x', owner_account_id: accountId, fixed_model: 'none' },
      headers,
    );
    const corrected = await app.call<CreatedKey>(
      'POST',
      '/api-keys',
      { name: 'x', owner_account_id: accountId },
      headers,
    );
    expect([refused.status, corrected.status]).toEqual([422, 201]);
  });

  it('repeats an answer without a body', async () => {
    const headers = { 'idempotency-key': `${accountId}-8` };
    const { id } = await app.admin.post<Identified>('/policies', { name: 'office' });
    const first = await app.call('DELETE', `/policies/${id}`, undefined, headers);
    const second = await app.call('DELETE', `/policies/${id}`, undefined, headers);
    expect([first.status, second.status, second.headers.get('idempotency-replayed')]).toEqual([204, 204, 'true']);
    expect(second.body).toBeUndefined();
  });

  it('answers 409 with Retry-After while the first request runs, and takes over from one that died', async () => {
    const headers = { 'idempotency-key': `${accountId}-9` };
    await app.call('POST', '/policies', { name: 'twice' }, headers);
    const setUnfinished = (age: string) =>
      app.query(
        `update admin_idempotency set status = null, response = null, created_at = now() - $2::interval where idempotency_key = $1`,
        [headers['idempotency-key'], age],
      );
    await setUnfinished('1 second');
    const running = await app.call('POST', '/policies', { name: 'twice' }, headers);
    expect([running.status, running.body.code, running.headers.get('retry-after')]).toEqual([
      409,
      'idempotency_in_progress',
      '1',
    ]);
    await setUnfinished('61 seconds');
    expect((await app.call('POST', '/policies', { name: 'twice' }, headers)).status).toBe(201);
  });

  it('is forgotten after seven days, but never by the ledger', async () => {
    const keys = [`${accountId}-10`, `${accountId}-11`];
    const repeatBoth = async (): Promise<Answer<Credit>[]> => {
      const calls = keys.map((key) => app.call<Credit>('POST', topUps, TOP_UP, { 'idempotency-key': key }));
      return Promise.all(calls);
    };
    const setAge = (key: string | undefined, age: string) =>
      app.query('update admin_idempotency set created_at = now() - $2::interval where idempotency_key = $1', [
        key,
        age,
      ]);
    const first = await repeatBoth();
    await setAge(keys[0], '7 days 1 minute');
    await setAge(keys[1], '6 days 23 hours');
    await app.get(IdempotencyRetention).clean();
    const left = await app.query('select idempotency_key from admin_idempotency where idempotency_key = any($1)', [
      keys,
    ]);
    expect(left).toEqual([{ idempotency_key: keys[1] }]);
    const second = await repeatBoth();
    expect(second.map(({ body }) => body.entry_id)).toEqual(first.map(({ body }) => body.entry_id));
    expect((await app.admin.wallet(accountId, 'standard')).available).toBe('20.000000');
  });

  it.each(['x'.repeat(256), 'ü', '钥匙'])('must be 1 to 255 printable ASCII characters, unlike %p', async (key) => {
    const encoded = Buffer.from(key, 'utf8').toString('latin1');
    const { status, body } = await app.call('POST', '/policies', { name: 'x' }, { 'idempotency-key': encoded });
    expect([status, body.code]).toEqual([400, 'validation_failed']);
  });
});
