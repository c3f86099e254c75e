import { AdminApp } from './admin.app.js';

interface Identified {
  id: string;
}

interface AuditRow {
  actor_id: string;
  actor: string;
  action: string;
  resource: string;
  resource_id: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

const AUDIT_OF =
  'select actor_id, actor, action, resource, resource_id, before, after from audit_log where resource_id = $1 order by id';

describe('the audit log', () => {
  let app: AdminApp;

  beforeAll(async () => {
    app = await AdminApp.start({ ALLOW_PRIVATE_UPSTREAMS: 'true' });
  });

  afterAll(async () => app.stop());

  const auditOf = (id: string): Promise<AuditRow[]> => app.query<AuditRow>(AUDIT_OF, [id]);

  it('says who did what, with the resource before and after', async () => {
    const { id } = await app.admin.post<Identified>('/accounts', { kind: 'personal', name: 'Ada' });
    await app.admin.patch(`/accounts/${id}`, { name: 'Ada L.' });
    const [creation, patch, ...others] = await auditOf(id);
    expect(others).toEqual([]);
    expect(creation).toMatchObject({
      actor: 'ADMIN_TOKEN',
      action: 'account.create',
      resource: 'account',
      before: null,
    });
    expect(creation?.after).toMatchObject({ id, kind: 'personal', name: 'Ada', status: 'active' });
    expect(patch).toMatchObject({ action: 'account.patch', before: { name: 'Ada' }, after: { name: 'Ada L.' } });
  });

  it('names the token that acted', async () => {
    const operator = await app.clientOf('operator');
    const { id } = await operator.post<Identified>('/policies', { name: 'office' });
    expect((await auditOf(id))[0]).toMatchObject({ actor: 'test operator' });
  });

  it('keeps what was deleted', async () => {
    const { id } = await app.admin.post<Identified>('/policies', { name: 'gone' });
    await app.call('DELETE', `/policies/${id}`);
    expect((await auditOf(id)).at(-1)).toMatchObject({
      action: 'policy.delete',
      before: { name: 'gone' },
      after: null,
    });
  });

  it('shows that a secret was set and never the secret', async () => {
    const provider = { name: 'acme', adapter: 'openai', base_url: 'http://127.0.0.1:9/v1', api_key: 'sk-canary-1' };
    const { id } = await app.admin.post<Identified>('/providers', provider);
    await app.admin.patch(`/providers/${id}`, { api_key: 'sk-canary-2' });
    const account = await app.admin.post<Identified>('/accounts', { kind: 'personal', name: 'Ada' });
    const key = await app.admin.post<Identified & { key: string }>('/api-keys', {
      name: 'prod',
      owner_account_id: account.id,
    });
    const rows = [...(await auditOf(id)), ...(await auditOf(key.id))];
    expect(rows.map((row) => row.action)).toEqual(['provider.create', 'provider.patch', 'api_key.create']);
    expect(rows.map((row) => row.after?.['api_key'] ?? row.after?.['key'])).toEqual([
      '[masked]',
      '[masked]',
      '[masked]',
    ]);
    expect(JSON.stringify(rows)).not.toMatch(/canary/);
    expect(JSON.stringify(rows)).not.toContain(key.key);
  });

  it('has no row for reads, for refused writes and for repetitions', async () => {
    const headers = { 'idempotency-key': 'audit-1' };
    const { body } = await app.call<Identified>('POST', '/policies', { name: 'once' }, headers);
    await app.call('POST', '/policies', { name: 'once' }, headers);
    await app.call('GET', `/policies/${body.id}`);
    await app.call('PATCH', `/policies/${body.id}`, { ip_allowlist: ['nowhere'] });
    expect((await auditOf(body.id)).map((row) => row.action)).toEqual(['policy.create']);
  });

  it('names the ledger row of a top-up', async () => {
    const { id } = await app.admin.post<Identified>('/accounts', { kind: 'personal', name: 'Ada' });
    await app.admin.topUp(id, 'premium', '5');
    const row = (await auditOf(id)).at(-1);
    expect(row).toMatchObject({ action: 'wallet.top_up', resource: 'wallet', after: { wallet: { tier: 'premium' } } });
    expect(row?.after).toHaveProperty('entry_id');
  });
});
