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

  describe('as a list', () => {
    interface Row {
      id: string;
      action: string;
      resource_id: string;
      actor_id: string;
      request_id: string;
      created_at: string;
    }
    interface Page {
      data: Row[];
      next_cursor: string | null;
    }

    it('goes through every row once, newest first, page by page', async () => {
      const { id } = await app.admin.post<Identified>('/policies', { name: 'a' });
      for (const name of ['b', 'c', 'd', 'e']) await app.admin.patch(`/policies/${id}`, { name });
      const seen: Row[] = [];
      let cursor: string | null = null;
      do {
        const more: string = cursor === null ? '' : `&cursor=${cursor}`;
        const page: Page = await app.admin.get(`/audit-log?resource_id=${id}&limit=2${more}`);
        seen.push(...page.data);
        cursor = page.next_cursor;
      } while (cursor !== null);
      const rows = await app.query<{ id: string }>('select id from audit_log where resource_id = $1 order by id desc', [
        id,
      ]);
      expect(seen.map((row) => row.id)).toEqual(rows.map((row) => row.id));
      expect(seen).toHaveLength(5);
    });

    it('filters by actor, action, resource, request and time', async () => {
      const operator = await app.clientOf('operator');
      const response = await operator.send('POST', '/policies', { name: 'filtered' });
      const requestId = response.headers.get('x-daoe-request-id');
      const { id } = (await response.json()) as Identified;
      const [row, ...others] = (await app.admin.get<Page>(`/audit-log?request_id=${requestId ?? ''}`)).data;
      expect([row?.resource_id, row?.action, others]).toEqual([id, 'policy.create', []]);
      const { actor_id: actor, created_at: at } = row ?? { actor_id: '', created_at: '' };
      const after = new Date(Date.parse(at) + 1).toISOString();
      const found = async (query: string): Promise<number> =>
        (await app.admin.get<Page>(`/audit-log?resource_id=${id}&${query}`)).data.length;
      expect(await found(`actor_id=${actor}&action=policy.create&resource=policy&from=${at}&to=${after}`)).toBe(1);
      expect(await found(`action=policy.patch`)).toBe(0);
      expect(await found(`resource=account`)).toBe(0);
      expect(await found(`actor_id=01980000-0000-7000-8000-000000000001`)).toBe(0);
      expect(await found(`from=${after}`)).toBe(0);
      expect(await found(`to=${at}`)).toBe(0);
    });

    it('shows one row, and none that does not exist', async () => {
      const { id } = await app.admin.post<Identified>('/policies', { name: 'one' });
      const [row] = (await app.admin.get<Page>(`/audit-log?resource_id=${id}`)).data;
      expect(await app.admin.get<Row>(`/audit-log/${row?.id ?? ''}`)).toEqual(row);
      expect((await app.call('GET', `/audit-log/${id}`)).status).toBe(404);
    });

    it('cannot be written or deleted over the wire', async () => {
      const [row] = (await app.admin.get<Page>('/audit-log?limit=1')).data;
      const methods = ['POST', 'PATCH', 'PUT', 'DELETE'];
      const statuses = await Promise.all(
        methods.map(async (method) => (await app.call(method, `/audit-log/${row?.id ?? ''}`)).status),
      );
      expect(new Set(statuses)).toEqual(new Set([405]));
    });
  });

  it('has a row for every change and no change without a row, also when the row cannot be written', async () => {
    const { id } = await app.admin.post<Identified>('/accounts', { kind: 'personal', name: 'kept' });
    await app.query(`alter table audit_log add constraint refuse check (action <> 'account.patch') not valid`);
    try {
      const headers = { 'idempotency-key': 'undone-1' };
      expect((await app.call('PATCH', `/accounts/${id}`, { name: 'lost' }, headers)).status).toBe(500);
      expect(await app.admin.get(`/accounts/${id}`)).toMatchObject({ name: 'kept' });
      const topUp = { amount: '5', reference: 'r' };
      await app.query(`alter table audit_log add constraint refuse_money check (action <> 'wallet.top_up') not valid`);
      const money = { 'idempotency-key': 'undone-2' };
      expect((await app.call('POST', `/accounts/${id}/wallets/economy/top-ups`, topUp, money)).status).toBe(500);
      expect((await app.admin.wallet(id, 'economy')).available).toBe('0.000000');
      await app.query('alter table audit_log drop constraint refuse_money');
      // Nothing had changed, so the same key may be used again at once.
      expect((await app.call('POST', `/accounts/${id}/wallets/economy/top-ups`, topUp, money)).status).toBe(201);
    } finally {
      await app.query('alter table audit_log drop constraint refuse');
    }
  });

  it('shows states that follow each other, however many operators write at once', async () => {
    const { id } = await app.admin.post<Identified>('/policies', { name: 'n0' });
    const writes = Array.from({ length: 20 }, (_, at) => app.call('PATCH', `/policies/${id}`, { name: `n${at + 1}` }));
    expect((await Promise.all(writes)).map(({ status }) => status)).toEqual(Array<number>(20).fill(200));
    const rows = (await auditOf(id)).slice(1);
    const names = rows.map((row) => [row.before?.['name'], row.after?.['name']]);
    expect(names.slice(1).map(([before]) => before)).toEqual(names.slice(0, -1).map(([, after]) => after));
  });
});
