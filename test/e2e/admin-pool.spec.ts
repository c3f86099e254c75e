import { AdminApp } from './admin.app.js';

type Resource = Record<string, unknown> & { id: string };

interface Page {
  data: Resource[];
  next_cursor: string | null;
}

const SOME_ID = '01980000-0000-7000-8000-000000000001';

const MODEL = {
  display_name: 'Acme Small',
  tier: 'standard',
  context_window: 128_000,
  max_output_tokens: 8192,
};

describe('administration of the model pool', () => {
  let app: AdminApp;
  let count = 0;

  beforeAll(async () => {
    app = await AdminApp.start();
  });

  afterAll(async () => app.stop());

  const fresh = (label: string): string => `${label}-${(count += 1).toString()}`;

  describe('providers', () => {
    const provider = (fields = {}): Promise<Resource> =>
      app.admin.post('/providers', {
        name: fresh('acme'),
        adapter: 'openai',
        base_url: 'http://127.0.0.1:9/v1',
        ...fields,
      });

    it('never show their key', async () => {
      const made = await provider({ api_key: 'sk-canary' });
      expect(made).toMatchObject({ has_api_key: true, hangup_billing: 'estimate', enabled: true });
      expect(await app.admin.patch(`/providers/${made.id}`, { api_key: null })).toMatchObject({ has_api_key: false });
      const shown = [made, await app.admin.get(`/providers/${made.id}`), await app.admin.get('/providers')];
      expect(JSON.stringify(shown)).not.toContain('canary');
      expect(JSON.stringify(await app.query('select * from provider'))).not.toContain('canary');
    });

    it('have unique names', async () => {
      const { name } = await provider();
      const { status } = await app.call('POST', '/providers', {
        name,
        adapter: 'openai',
        base_url: 'http://127.0.0.1:9/v1',
      });
      expect(status).toBe(409);
    });

    it.each([
      ['adapter', { adapter: 'nothing' }],
      ['base_url', { base_url: 'file:///etc/passwd' }],
      ['base_url', { base_url: 'not a url' }],
    ])('refuse a bad %s', async (field, fields) => {
      const body = { name: fresh('bad'), adapter: 'openai', base_url: 'http://127.0.0.1:9/v1', ...fields };
      const answer = await app.call('POST', '/providers', body);
      expect([answer.status >= 400 && answer.status <= 422, answer.body.errors?.map(({ path }) => path)]).toEqual([
        true,
        [field],
      ]);
    });

    it('are deleted only when no endpoint uses them', async () => {
      const [used, unused] = [await provider(), await provider()];
      const model = await app.admin.post<Resource>('/models', { ...MODEL, model_key: fresh('acme/used') });
      await app.admin.post(`/models/${model.id}/endpoints`, { provider_id: used.id, upstream_model: 'x' });
      expect((await app.call('DELETE', `/providers/${used.id}`)).status).toBe(409);
      expect((await app.call('DELETE', `/providers/${unused.id}`)).status).toBe(204);
    });
  });

  describe('models', () => {
    it('are disabled until they have a price, and a changed rate is a new version', async () => {
      const made = await app.admin.post<Resource>('/models', { ...MODEL, model_key: fresh('acme/priced') });
      expect(made).toMatchObject({ enabled: false, price_version: null, customer_input_mtok: null });
      const unpriced = await app.call('PATCH', `/models/${made.id}`, { enabled: true });
      expect([unpriced.status, unpriced.body.code]).toEqual([422, 'price_required']);
      const rates = { customer_input_mtok: '200', customer_output_mtok: 900.5 };
      const priced = await app.admin.patch(`/models/${made.id}`, { ...rates, enabled: true });
      expect(priced).toMatchObject({ enabled: true, price_version: 1, customer_output_mtok: '900.500000' });
      const dearer = await app.admin.patch(`/models/${made.id}`, { customer_input_mtok: '201' });
      expect(dearer).toMatchObject({
        price_version: 2,
        customer_input_mtok: '201.000000',
        customer_output_mtok: '900.500000',
      });
      expect((await app.call('DELETE', `/models/${made.id}`)).status).toBe(204);
      expect(await app.admin.get(`/models/${made.id}`)).toMatchObject({ enabled: false });
    });

    it('have unique keys', async () => {
      const model = { ...MODEL, model_key: fresh('acme/unique') };
      await app.admin.post('/models', model);
      const { status, body } = await app.call('POST', '/models', model);
      expect([status, body.code]).toEqual([409, 'name_taken']);
    });

    it('have endpoints in the order of trial', async () => {
      const model = await app.admin.post<Resource>('/models', { ...MODEL, model_key: fresh('acme/places') });
      const body = { name: fresh('acme'), adapter: 'openai', base_url: 'http://127.0.0.1:9/v1' };
      const provider = await app.admin.post<Resource>('/providers', body);
      const path = `/models/${model.id}/endpoints`;
      const second = await app.admin.post<Resource>(path, {
        provider_id: provider.id,
        upstream_model: 'b',
        priority: 2,
      });
      const first = await app.admin.post<Resource>(path, {
        provider_id: provider.id,
        upstream_model: 'a',
        priority: 1,
        timeouts: { connect_ms: 500 },
        input_usd_mtok: '0.15',
      });
      expect(first).toMatchObject({
        timeouts: { connect_ms: 500 },
        input_usd_mtok: '0.150000',
        supports_prefill: false,
      });
      expect((await app.admin.get<Page>(path)).data).toEqual([first, second]);
      expect(await app.admin.patch(`${path}/${second.id}`, { weight: 3 })).toMatchObject({ weight: 3, priority: 2 });
      expect((await app.call('POST', path, { provider_id: SOME_ID, upstream_model: 'c' })).status).toBe(422);
      expect((await app.call('POST', path, { provider_id: provider.id, upstream_model: 'a' })).status).toBe(409);
      expect((await app.call('DELETE', `${path}/${first.id}`)).status).toBe(204);
      expect((await app.call('GET', `${path}/${first.id}`)).status).toBe(404);
      expect((await app.call('GET', `/models/${SOME_ID}/endpoints`)).status).toBe(404);
    });
  });

  describe('tiers', () => {
    it('list what a credit costs now and keep every version', async () => {
      const { data } = await app.admin.get<Page>('/tiers');
      const before = data.find(({ tier }) => tier === 'premium');
      const after = await app.admin.post<Resource>('/tiers/premium/versions', { usd_per_credit: '0.015' });
      expect(after).toMatchObject({
        tier: 'premium',
        usd_per_credit: '0.015000',
        version: Number(before?.['version'] ?? 0) + 1,
      });
      const versions = await app.admin.get<Page>('/tiers/premium/versions');
      expect(versions.data[0]).toEqual(after);
      expect((await app.call('POST', '/tiers/premium/versions', { usd_per_credit: '0' })).status).toBe(400);
      expect((await app.call('POST', '/tiers/gold/versions', { usd_per_credit: '1' })).status).toBe(404);
    });
  });
});
