import { AdminApp } from './admin.app.js';

type Resource = Record<string, unknown> & { id: string };

interface Page<T = Resource> {
  data: T[];
  next_cursor: string | null;
}

const SOME_ID = '01980000-0000-7000-8000-000000000001';

describe('administration resources', () => {
  let app: AdminApp;
  let count = 0;

  beforeAll(async () => {
    app = await AdminApp.start();
  });

  afterAll(async () => app.stop());

  const account = (kind = 'personal'): Promise<Resource> => app.admin.post('/accounts', { kind, name: 'Ada' });
  const fresh = (label: string): string => `${label}-${(count += 1).toString()}`;

  describe('lists', () => {
    it('go through every row once, newest first, page by page', async () => {
      const ids: string[] = [];
      for (let made = 0; made < 5; made += 1)
        ids.unshift((await app.admin.post<Resource>('/policies', { name: 'p' })).id);
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Page = await app.admin.get(`/policies?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`);
        seen.push(...page.data.map(({ id }) => id));
        cursor = page.next_cursor;
      } while (cursor !== null);
      expect(seen).toEqual(ids);
    });

    it('filter', async () => {
      const organization = await account('organization');
      const { data } = await app.admin.get<Page>('/accounts?kind=organization');
      expect(data.map(({ id }) => id)).toEqual([organization.id]);
    });

    it.each(['/accounts', '/api-keys', '/policies', '/providers', '/models', '/usage', '/freezes'])(
      'exist at %s',
      async (path) => {
        expect(await app.admin.get(path)).toMatchObject({ data: expect.any(Array) as unknown[] });
      },
    );
  });

  describe('accounts', () => {
    it('are created active, renamed, suspended and closed', async () => {
      const { id, ...made } = await account();
      expect(made).toEqual({
        kind: 'personal',
        name: 'Ada',
        status: 'active',
        policy_id: null,
        created_at: made['created_at'],
        updated_at: made['updated_at'],
      });
      expect(made['created_at']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      expect(await app.admin.patch(`/accounts/${id}`, { status: 'suspended' })).toMatchObject({
        status: 'suspended',
        name: 'Ada',
      });
      expect(await app.admin.patch(`/accounts/${id}`, { name: ' Ada L. ' })).toMatchObject({ name: 'Ada L.' });
      expect(await app.admin.patch(`/accounts/${id}`, { status: 'closed' })).toMatchObject({ status: 'closed' });
      expect(await app.admin.get(`/accounts/${id}`)).toMatchObject({ id, status: 'closed', name: 'Ada L.' });
    });

    it('are not closed while they hold credits', async () => {
      const { id } = await account();
      await app.admin.topUp(id, 'economy', '0.000001');
      const { status, body } = await app.call('PATCH', `/accounts/${id}`, { status: 'closed' });
      expect([status, body.code]).toEqual([409, 'account_not_empty']);
    });

    it('have members when they are organizations', async () => {
      const [organization, ada] = [await account('organization'), await account()];
      const members = `/accounts/${organization.id}/members`;
      const membership = await app.admin.post<Resource>(members, { account_id: ada.id });
      expect(membership).toMatchObject({ account_id: ada.id, organization_id: organization.id });
      expect((await app.admin.get<Page>(members)).data).toEqual([membership]);
      expect((await app.call('POST', members, { account_id: organization.id })).status).toBe(422);
      expect((await app.call('POST', `/accounts/${ada.id}/members`, { account_id: ada.id })).status).toBe(422);
      expect((await app.call('DELETE', `${members}/${ada.id}`)).status).toBe(204);
      expect((await app.call('DELETE', `${members}/${ada.id}`)).status).toBe(404);
    });
  });

  describe('wallets', () => {
    it('exist for every tier from the start and are 404 for an unknown account', async () => {
      const { id } = await account();
      const empty = { available: '0.000000', frozen: '0.000000', low_balance_threshold: null };
      expect(await app.admin.get(`/accounts/${id}/wallets`)).toEqual({
        data: ['economy', 'standard', 'premium'].map((tier) => ({ tier, ...empty })),
        next_cursor: null,
      });
      expect((await app.call('GET', `/accounts/${SOME_ID}/wallets`)).status).toBe(404);
      const headers = { 'idempotency-key': fresh('unknown') };
      const topUp = await app.call(
        'POST',
        `/accounts/${SOME_ID}/wallets/economy/top-ups`,
        { amount: 1, reference: 'x' },
        headers,
      );
      expect(topUp.status).toBe(404);
    });

    it('are corrected up and down, never below zero, each change a ledger row', async () => {
      const { id } = await account();
      await app.admin.topUp(id, 'standard', '10');
      const adjust = (amount: string) =>
        app.call<{ wallet: { available: string }; code: string }>(
          'POST',
          `/accounts/${id}/wallets/standard/adjustments`,
          { amount, reason: 'goodwill' },
          { 'idempotency-key': fresh('adjust') },
        );
      expect((await adjust('-3.5')).body.wallet.available).toBe('6.500000');
      expect((await adjust('1')).body.wallet.available).toBe('7.500000');
      const tooMuch = await adjust('-7.500001');
      expect([tooMuch.status, tooMuch.body.code]).toEqual([422, 'insufficient_balance']);
      const first = await app.admin.get<Page>(`/accounts/${id}/wallets/standard/ledger?limit=2`);
      const second = await app.admin.get<Page>(
        `/accounts/${id}/wallets/standard/ledger?limit=2&cursor=${first.next_cursor ?? ''}`,
      );
      const rows = [...first.data, ...second.data].map(({ seq, kind, available_delta, available_after }) => [
        seq,
        kind,
        available_delta,
        available_after,
      ]);
      expect(rows).toEqual([
        [3, 'adjust', '1.000000', '7.500000'],
        [2, 'adjust', '-3.500000', '6.500000'],
        [1, 'top_up', '10.000000', '10.000000'],
      ]);
      expect(second.next_cursor).toBeNull();
    });

    it.each([['0'], ['-1'], ['1.0000001'], ['ten'], [null], ['1000000000.000001']])(
      'take no top-up of %p',
      async (amount) => {
        const { id } = await account();
        const path = `/accounts/${id}/wallets/economy/top-ups`;
        const { status, body } = await app.call(
          'POST',
          path,
          { amount, reference: 'x' },
          { 'idempotency-key': fresh('bad') },
        );
        expect([status, body.errors?.map((fault) => fault.path)]).toEqual([400, ['amount']]);
      },
    );
  });

  describe('api keys', () => {
    it('show their secret once, echo what was stored and can be changed', async () => {
      const owner = await account();
      const policy = await app.admin.post<Resource>('/policies', { name: 'office' });
      const settings = {
        tier: 'standard',
        fixed_model: null,
        policy_id: policy.id,
        limit_daily: '5.000000',
        limit_weekly: '0.000000',
        limit_rpm: 60,
        limit_concurrency: null,
        expires_at: '2099-01-01T00:00:00.000Z',
      };
      const { key, ...made } = await app.admin.post<Resource>('/api-keys', {
        name: 'prod',
        owner_account_id: owner.id,
        ...settings,
        limit_daily: 5,
        limit_weekly: '0',
        expires_at: '2099-01-01T01:00:00+01:00',
      });
      expect(made).toMatchObject({ ...settings, status: 'ACTIVE', billing_account_id: owner.id, last_used_at: null });
      expect(await app.admin.get(`/api-keys/${made.id}`)).toEqual(made);
      const { data } = await app.admin.get<Page>(`/api-keys?owner_account_id=${owner.id}`);
      expect(data).toEqual([made]);
      expect(JSON.stringify(data)).not.toContain(key);
      const patched = await app.admin.patch(`/api-keys/${made.id}`, {
        status: 'DISABLED',
        tier: null,
        limit_daily: null,
      });
      expect(patched).toMatchObject({ status: 'DISABLED', tier: null, limit_daily: null, limit_rpm: 60 });
    });

    it.each([
      ['owner_account_id', { owner_account_id: SOME_ID }],
      ['policy_id', { policy_id: SOME_ID }],
      ['fixed_model', { fixed_model: 'no/such-model' }],
      ['billing_account_id', { billing_account_id: SOME_ID }],
      ['expires_at', { expires_at: '2020-01-01T00:00:00Z' }],
    ])('are refused when %s names nothing usable', async (field, fields) => {
      const owner = await account();
      const { status, body } = await app.call('POST', '/api-keys', {
        name: 'x',
        owner_account_id: owner.id,
        ...fields,
      });
      expect([status, body.errors?.map(({ path }) => path)]).toEqual([422, [field]]);
    });

    it('take a model of the pool as fixed model, by key or id', async () => {
      const owner = await account();
      const model = await app.admin.post<Resource>('/models', {
        model_key: fresh('acme/fixed'),
        display_name: 'Fixed',
        tier: 'standard',
        context_window: 1000,
        max_output_tokens: 100,
      });
      for (const name of [model.id, model['model_key']]) {
        const key = await app.admin.post('/api-keys', { name: 'x', owner_account_id: owner.id, fixed_model: name });
        expect(key).toMatchObject({ fixed_model: name });
      }
    });

    it('are revoked for ever, by POST or DELETE', async () => {
      const owner = await account();
      const make = (): Promise<Resource> => app.admin.post('/api-keys', { name: 'x', owner_account_id: owner.id });
      const [first, second] = [await make(), await make()];
      expect(await app.admin.post(`/api-keys/${first.id}/revoke`, undefined)).toMatchObject({ status: 'REVOKED' });
      expect((await app.call('DELETE', `/api-keys/${second.id}`)).status).toBe(204);
      expect(await app.admin.get(`/api-keys/${second.id}`)).toMatchObject({ status: 'REVOKED' });
      expect((await app.call('PATCH', `/api-keys/${first.id}`, { status: 'ACTIVE' })).status).toBe(409);
      expect((await app.call('PATCH', `/api-keys/${first.id}`, { status: 'REVOKED' })).status).toBe(400);
    });
  });

  describe('policies', () => {
    it('are created with what is given, changed list by list and deleted', async () => {
      const made = await app.admin.post<Resource>('/policies', { name: 'office', ip_allowlist: ['10.0.0.0/8', '::1'] });
      expect(made).toMatchObject({
        allowed_tiers: [],
        ip_allowlist: ['10.0.0.0/8', '::1'],
        ip_blocklist: [],
        model_blacklist: [],
      });
      const patched = await app.admin.patch(`/policies/${made.id}`, { model_blacklist: ['*-preview'] });
      expect(patched).toMatchObject({ ip_allowlist: ['10.0.0.0/8', '::1'], model_blacklist: ['*-preview'] });
      expect((await app.call('DELETE', `/policies/${made.id}`)).status).toBe(204);
      expect((await app.call('GET', `/policies/${made.id}`)).status).toBe(404);
    });

    it('are not deleted while a key uses them', async () => {
      const [owner, policy] = [await account(), await app.admin.post<Resource>('/policies', { name: 'office' })];
      await app.admin.post('/api-keys', { name: 'x', owner_account_id: owner.id, policy_id: policy.id });
      expect((await app.call('DELETE', `/policies/${policy.id}`)).status).toBe(409);
    });

    it.each([
      ['ip_allowlist', ['10.0.0.0/33']],
      ['ip_blocklist', ['localhost']],
    ])('refuse %s = %j', async (field, list) => {
      const { status, body } = await app.call('POST', '/policies', { name: 'x', [field]: list });
      expect([status, body.errors?.map(({ path }) => path.split('.')[0])]).toEqual([422, [field]]);
    });
  });

  it('explain nothing about an unknown request', async () => {
    expect((await app.call('GET', '/requests/gwr_00000000000000000000000000000000')).status).toBe(404);
  });
});
