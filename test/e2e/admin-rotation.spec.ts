import { AdminApp } from './admin.app.js';

interface Rotated {
  id: string;
  key: string | null;
  replayed?: boolean;
}

describe('rotation of API keys', () => {
  let app: AdminApp;
  beforeAll(async () => {
    app = await AdminApp.start();
  });
  afterAll(async () => app.stop());

  async function key(): Promise<string> {
    const { id } = await app.admin.post<{ id: string }>('/accounts', { kind: 'personal', name: 'Ada' });
    return (await app.admin.post<{ id: string }>('/api-keys', { name: 'prod', owner_account_id: id })).id;
  }

  it('happens once for one Idempotency-Key, and its repetition shows no secret', async () => {
    const id = await key();
    const headers = { 'idempotency-key': 'rotation-1' };
    const first = await app.call<Rotated>('POST', `/api-keys/${id}/rotate`, { grace_seconds: 60 }, headers);
    const again = await app.call<Rotated>('POST', `/api-keys/${id}/rotate`, { grace_seconds: 60 }, headers);
    expect(first.body.key).toMatch(/^jt_/);
    expect([again.status, again.body]).toMatchObject([200, { id, key: null, replayed: true }]);
    expect(await app.query('select 1 from api_key_secret where api_key_id = $1', [id])).toHaveLength(2);
  });

  it('is refused for a key that is revoked or unknown', async () => {
    const id = await key();
    await app.admin.post(`/api-keys/${id}/revoke`, undefined);
    const revoked = await app.call('POST', `/api-keys/${id}/rotate`, {});
    const unknown = await app.call('POST', `/api-keys/01980000-0000-7000-8000-000000000001/rotate`, {});
    expect([revoked.status, revoked.body.code]).toEqual([409, 'api_key_revoked']);
    expect([unknown.status, unknown.body.code]).toEqual([404, 'api_key_not_found']);
  });

  it.each([-1, 0.5, '10', 2_592_001, null])('refuses a grace time of %s', async (seconds) => {
    const { status, body } = await app.call('POST', `/api-keys/${await key()}/rotate`, { grace_seconds: seconds });
    expect([status, body.errors?.map(({ path }) => path)]).toEqual([400, ['grace_seconds']]);
  });

  it('lets ten secrets pass at most, and ends them all without grace', async () => {
    const id = await key();
    const statuses: number[] = [];
    for (let rotation = 0; rotation < 11; rotation += 1) {
      statuses.push((await app.call('POST', `/api-keys/${id}/rotate`, { grace_seconds: 600 })).status);
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(9);
    expect(new Set(statuses.slice(9))).toEqual(new Set([409]));
    expect((await app.call('POST', `/api-keys/${id}/rotate`, { grace_seconds: 0 })).status).toBe(200);
  });

  it('never writes a secret to the audit log', async () => {
    const id = await key();
    const { key: secret } = await app.admin.post<Rotated>(`/api-keys/${id}/rotate`, {});
    const rows = await app.query('select after::text as after from audit_log where resource_id = $1', [id]);
    expect(rows).toHaveLength(2);
    expect(JSON.stringify(rows)).not.toContain(secret);
    expect(JSON.stringify(await app.query('select response from admin_idempotency'))).not.toContain(secret);
  });
});
