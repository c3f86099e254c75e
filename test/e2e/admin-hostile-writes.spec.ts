import { AdminApp } from './admin.app.js';

type Json = Record<string, unknown>;

describe('hostile requests to the newer routes', () => {
  let app: AdminApp;
  let accountId: string;
  let keyId: string;

  beforeAll(async () => {
    app = await AdminApp.start();
    accountId = (await app.admin.post<{ id: string }>('/accounts', { kind: 'personal', name: 'Ada' })).id;
    keyId = (await app.admin.post<{ id: string }>('/api-keys', { name: 'k', owner_account_id: accountId })).id;
  });
  afterAll(async () => app.stop());

  it.each([
    ['/audit-log?limit=0', 'limit'],
    ['/audit-log?limit=1e9', 'limit'],
    ['/audit-log?cursor=%25%25%25', 'cursor'],
    ['/audit-log?cursor=Z3dyXzE', 'cursor'],
    ['/audit-log?from=yesterday', 'from'],
    ['/audit-log?actor_id=1%20or%201=1', 'actor_id'],
    ['/audit-log?action=%00', 'action'],
    ['/audit-log?action=', 'action'],
    ['/audit-log?actor=me', 'actor'],
    ['/audit-log?action=a&action=b', 'action'],
    ['/queues?x=1', 'x'],
    ['/queues/settlement/jobs?state=gone', 'state'],
    ['/queues/settlement/jobs?cursor=LTE', 'cursor'],
    ['/admin-tokens?role=root', 'role'],
  ])('names the fault of %s', async (path, fault) => {
    const { status, body } = await app.call('GET', path);
    expect([status, body.code, body.errors?.map((one) => one.path)]).toEqual([400, 'validation_failed', [fault]]);
  });

  it.each<[string, string, Json, string[]]>([
    ['POST', '/admin-tokens', { name: 'a', role: 'viewer', token: 'ja_mine', extra: {} }, ['token', 'extra']],
    ['POST', '/admin-tokens', { name: ['a'], role: null, expires_at: 5 }, ['name', 'role', 'expires_at']],
    ['POST', '/admin-tokens', { name: 'a\u0000b', role: 'viewer' }, ['name']],
    ['POST', '/admin-tokens', { name: '\ud800', role: 'viewer' }, ['name']],
    ['POST', '/api-keys/:key/rotate', { grace: 5 }, ['grace']],
    ['POST', '/api-keys/:key/rotate', { grace_seconds: 2_592_001 }, ['grace_seconds']],
    ['PATCH', '/accounts/:account', { policy_id: 'x' }, ['policy_id']],
    ['PATCH', '/accounts/:account', {}, ['']],
    ['POST', '/queues/settlement/retry', { all: true }, ['all']],
  ])('names every fault of %s %s %j', async (method, path, body, faults) => {
    const target = path.replace(':key', keyId).replace(':account', accountId);
    const answer = await app.call(method, target, body);
    expect([answer.status, answer.body.errors?.map((one) => one.path)]).toEqual([400, faults]);
  });

  it('refuses a policy that does not exist for an account, and says which field', async () => {
    const policy = { policy_id: '01980000-0000-7000-8000-000000000001' };
    for (const [method, path, body] of [
      ['PATCH', `/accounts/${accountId}`, policy],
      ['POST', '/accounts', { kind: 'personal', name: 'Ada', ...policy }],
    ] as const) {
      const answer = await app.call(method, path, body);
      expect([answer.status, answer.body.errors?.[0]?.path]).toEqual([422, 'policy_id']);
    }
  });

  it('takes names in any script', async () => {
    for (const name of ['Ωμέγα', '管理者', '🦊 fox', 'a"b\\c', "'; drop table account; --"]) {
      const made = await app.admin.post<{ id: string; name: string }>('/admin-tokens', { name, role: 'viewer' });
      expect((await app.admin.get<{ name: string }>(`/admin-tokens/${made.id}`)).name).toBe(name);
    }
  });

  it('answers deep and broken JSON with a problem', async () => {
    const deep = '['.repeat(50_000) + ']'.repeat(50_000);
    for (const text of [
      deep,
      `{"name":${deep}}`,
      '{"name":',
      'null',
      '"text"',
      '[]',
      '{"__proto__":{"role":"owner"}}',
    ]) {
      const { status, body } = await app.sendText('POST', '/admin-tokens', text);
      expect([text.slice(0, 20), status, typeof body.code]).toEqual([text.slice(0, 20), 400, 'string']);
    }
  });

  it('closes no account that is topped up at the same moment', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id } = await app.admin.post<{ id: string }>('/accounts', { kind: 'personal', name: 'race' });
      const topUp = app.call(
        'POST',
        `/accounts/${id}/wallets/standard/top-ups`,
        { amount: '1', reference: 'r' },
        {
          'idempotency-key': `race-${round.toString()}`,
        },
      );
      const [closed, paid] = await Promise.all([app.call('PATCH', `/accounts/${id}`, { status: 'closed' }), topUp]);
      expect([closed.status, paid.status].sort()).not.toEqual([200, 201]);
      const { available } = await app.admin.wallet(id, 'standard');
      const { status } = await app.admin.get<{ status: string }>(`/accounts/${id}`);
      expect([status, available]).toEqual(closed.status === 200 ? ['closed', '0.000000'] : ['active', '1.000000']);
    }
  });

  it('runs a write with an Idempotency-Key once, however many send it at the same moment', async () => {
    const headers = { 'idempotency-key': 'crowd-1' };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        app.call<Json>('POST', '/admin-tokens', { name: 'crowd', role: 'viewer' }, headers),
      ),
    );
    expect(answers.filter(({ body }) => typeof body['token'] === 'string')).toHaveLength(1);
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true);
    expect(await app.query(`select 1 from admin_token where name = 'crowd'`)).toHaveLength(1);
    const other = await app.call('POST', '/admin-tokens', { name: 'crowd', role: 'owner' }, headers);
    expect([other.status, other.body.code]).toEqual([409, 'idempotency_key_reused']);
  });
});
