import { pollUntil } from '../support/poll.js';
import { World } from '../support/world.js';

interface Created {
  id: string;
  key: string;
  status: string;
}

interface Usage {
  data: Record<string, unknown>[];
  next_cursor: string | null;
}

const USAGE_FIELDS = [
  'request_id',
  'client_request_id',
  'api_key_id',
  'account_id',
  'model_key',
  'provider',
  'tier',
  'stream',
  'input_tokens',
  'output_tokens',
  'cached_input_tokens',
  'cached_output_tokens',
  'credits_used',
  'credits_charged',
  'shortfall',
  'usd_cost',
  'provider_cost_usd',
  'margin_usd',
  'usage_source',
  'price_id',
  'corrections',
  'status',
  'created_at',
  'settled_at',
];

/** The bodies are those of the contract, word for word; only the address of the provider and the client's are real. */
describe('from nothing to a served request', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.create();
  });

  afterAll(async () => world.destroy());

  it('takes the calls of the contract and nothing else', async () => {
    const { admin } = world;
    const account = await admin.post<Created>('/accounts', { kind: 'personal', name: 'Ada' });
    const topUp = await admin.send(
      'POST',
      `/accounts/${account.id}/wallets/standard/top-ups`,
      { amount: '100.000000', reference: 'invoice 7' },
      { 'idempotency-key': 'invoice-7' },
    );
    expect(topUp.status).toBe(201);
    expect(await topUp.json()).toEqual({
      wallet: { tier: 'standard', available: '100.000000', frozen: '0.000000' },
      entry_id: expect.any(String) as string,
    });
    const policy = await admin.post<Created>('/policies', {
      name: 'office',
      allowed_tiers: ['standard'],
      ip_allowlist: ['10.0.0.0/8', '127.0.0.0/8'],
      ip_blocklist: [],
      model_blacklist: ['*-preview'],
    });
    const key = await admin.post<Created>('/api-keys', {
      name: 'prod',
      owner_account_id: account.id,
      policy_id: policy.id,
    });
    expect([key.status, key.key.slice(0, 3)]).toEqual(['ACTIVE', 'jt_']);
    const provider = await admin.post<Created>('/providers', {
      name: 'acme',
      adapter: 'openai',
      base_url: world.upstream.url,
      api_key: 'sk-canary',
    });
    const model = await admin.post<Created>('/models', {
      model_key: 'acme/small',
      display_name: 'Acme Small',
      tier: 'standard',
      feature_tags: ['chat', 'tools'],
      mci_score: 62.5,
      context_window: 128000,
      max_output_tokens: 8192,
      customer_input_mtok: '200',
      customer_output_mtok: '900',
      customer_cacheread_mtok: '20',
      customer_cachewrite_mtok: '250',
      enabled: true,
    });
    await admin.post(`/models/${model.id}/endpoints`, {
      provider_id: provider.id,
      upstream_model: 'ok-n20-p10',
      priority: 1,
      weight: 1,
      input_usd_mtok: '0.15',
      output_usd_mtok: '0.60',
      supports_prefill: false,
    });

    const call = await fetch(`${world.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key.key}`, 'content-type': 'application/json', 'x-request-id': 'first-1' },
      body: JSON.stringify({ model: 'acme/small', messages: [{ role: 'user', content: 'hello' }] }),
    });
    expect([call.status, call.headers.get('x-daoe-used-model'), call.headers.get('x-daoe-used-provider')]).toEqual([
      200,
      'acme/small',
      'acme',
    ]);
    const requestId = call.headers.get('x-daoe-request-id') ?? '';

    const settled = await pollUntil(async () => {
      const usage = await admin.get<Usage>(`/usage?request_id=${requestId}`);
      return usage.data[0]?.['status'] === 'settled' ? usage : null;
    }, 'the usage record');
    const [record] = settled.data;
    expect(Object.keys(record ?? {})).toEqual(USAGE_FIELDS);
    expect(record).toMatchObject({
      request_id: requestId,
      client_request_id: 'first-1',
      api_key_id: key.id,
      account_id: account.id,
      model_key: 'acme/small',
      provider: 'acme',
      tier: 'standard',
      stream: false,
      input_tokens: 10,
      output_tokens: 20,
      credits_used: '0.020000',
      credits_charged: '0.020000',
      shortfall: '0.000000',
      provider_cost_usd: '0.000014',
      usage_source: 'provider',
    });
    expect(settled.next_cursor).toBeNull();

    const wallets = await admin.get<{ data: unknown[] }>(`/accounts/${account.id}/wallets`);
    expect(wallets.data).toEqual([
      { tier: 'economy', available: '0.000000', frozen: '0.000000', low_balance_threshold: null },
      { tier: 'standard', available: '99.980000', frozen: '0.000000', low_balance_threshold: null },
      { tier: 'premium', available: '0.000000', frozen: '0.000000', low_balance_threshold: null },
    ]);
    const ledger = await admin.get<{ data: { kind: string; seq: number }[] }>(
      `/accounts/${account.id}/wallets/standard/ledger`,
    );
    expect(ledger.data.map(({ kind, seq }) => [kind, seq])).toEqual([
      ['settle', 3],
      ['freeze', 2],
      ['top_up', 1],
    ]);
    const trace = await admin.trace('first-1');
    expect(trace.request_id).toBe(requestId);
    expect(trace.stages.map(({ stage, status }) => [stage, status])).toEqual(
      ['receive', 'authenticate', 'read_body', 'policy', 'route', 'freeze', 'provider', 'capture', 'settle'].map(
        (stage) => [stage, 'passed'],
      ),
    );
  });

  it('puts a write in force before it answers: a disabled key is refused by the very next call', async () => {
    const model = await world.model();
    const key = await world.key();
    const call = (): Promise<number> =>
      fetch(`${world.url}/openai/v1/chat/completions`, {
        method: 'POST',
        headers: { 'x-api-key': key.key, 'content-type': 'application/json' },
        body: JSON.stringify({ model: model.key, messages: [{ role: 'user', content: 'hello' }] }),
      }).then((response) => response.status);
    expect(await call()).toBe(200);
    await world.admin.patch(`/api-keys/${key.id}`, { status: 'DISABLED' });
    expect(await call()).toBe(403);
    await world.admin.patch(`/api-keys/${key.id}`, { status: 'ACTIVE' });
    expect(await call()).toBe(200);
    await world.admin.post(`/api-keys/${key.id}/revoke`, undefined);
    expect(await call()).toBe(403);
  });

  it('tests a provider by a real call', async () => {
    const good = await world.provider();
    const bad = await world.provider({ base_url: 'http://127.0.0.1:9/v1' });
    expect(await world.admin.post(`/providers/${good.id}/test`, undefined)).toMatchObject({ ok: true, error: null });
    expect(await world.admin.post(`/providers/${bad.id}/test`, undefined)).toMatchObject({ ok: false, status: null });
  });
});
