import { AdminApp, type Answer, type ProblemBody } from './admin.app.js';

interface Resource {
  id: string;
  name?: string;
}

interface Versioned {
  path: string;
  /** Two changes that differ. */
  changes: readonly [Record<string, unknown>, Record<string, unknown>];
}

describe('optimistic locking', () => {
  let app: AdminApp;
  let versioned: Record<string, Versioned>;

  beforeAll(async () => {
    app = await AdminApp.start();
    const names = [{ name: 'one' }, { name: 'two' }] as const;
    const post = async (path: string, body: unknown): Promise<string> =>
      `${path}/${(await app.admin.post<Resource>(path, body)).id}`;
    const account = await post('/accounts', { kind: 'personal', name: 'Ada' });
    const provider = await post('/providers', { name: 'acme', adapter: 'openai', base_url: 'http://127.0.0.1:9/v1' });
    const model = await post('/models', {
      model_key: 'acme/small',
      display_name: 'Small',
      tier: 'standard',
      context_window: 1000,
      max_output_tokens: 100,
    });
    const endpoint = { provider_id: provider.split('/')[2], upstream_model: 'small' };
    versioned = {
      account: { path: account, changes: names },
      key: {
        path: await post('/api-keys', { name: 'prod', owner_account_id: account.split('/')[2] }),
        changes: [{ limit_daily: '1' }, { limit_daily: '2' }],
      },
      policy: { path: await post('/policies', { name: 'office' }), changes: names },
      provider: { path: provider, changes: names },
      model: { path: model, changes: [{ display_name: 'one' }, { alias: 'two' }] },
      endpoint: { path: await post(`${model}/endpoints`, endpoint), changes: [{ weight: 2 }, { weight: 3 }] },
      token: { path: await post('/admin-tokens', { name: 'ci', role: 'viewer' }), changes: names },
    };
  });
  afterAll(async () => app.stop());

  const tagOf = async (path: string): Promise<string> => (await app.call('GET', path)).headers.get('etag') ?? '';
  const patch = (path: string, body: unknown, ifMatch: string): Promise<Answer<ProblemBody>> =>
    app.call('PATCH', path, body, { 'if-match': ifMatch });

  it.each(['account', 'key', 'policy', 'provider', 'model', 'endpoint', 'token'])(
    'lets one change of the %s happen for one state',
    async (kind) => {
      const { path, changes } = versioned[kind] ?? { path: '', changes: [{}, {}] };
      const first = await tagOf(path);
      expect(first).toMatch(/^"[\w-]{22}"$/);
      expect(await tagOf(path)).toBe(first);
      const done = await patch(path, changes[0], first);
      expect(done.status).toBe(200);
      const second = done.headers.get('etag');
      expect(second).not.toBe(first);
      expect(second).toBe(await tagOf(path));
      const late = await patch(path, changes[1], first);
      expect([late.status, late.body.code]).toEqual([412, 'precondition_failed']);
      expect(await tagOf(path)).toBe(second);
      expect((await app.call('GET', path, undefined, { 'if-none-match': `W/${second ?? ''}` })).status).toBe(304);
    },
  );

  it('lets exactly one of many callers with the same tag succeed', async () => {
    const path = versioned['policy']?.path ?? '';
    const tag = await tagOf(path);
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, at) => patch(path, { name: `caller ${at.toString()}` }, tag)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(11).fill(412)]);
    const winner = answers.findIndex(({ status }) => status === 200);
    expect(await app.admin.get(path)).toMatchObject({ name: `caller ${winner.toString()}` });
  });

  it('leaves no trace of a change that came too late', async () => {
    const { id } = await app.admin.post<Resource>('/policies', { name: 'kept' });
    expect((await patch(`/policies/${id}`, { name: 'lost' }, '"other"')).status).toBe(412);
    expect((await app.call('DELETE', `/policies/${id}`, undefined, { 'if-match': '"other"' })).status).toBe(412);
    expect(await app.admin.get(`/policies/${id}`)).toMatchObject({ name: 'kept' });
    expect(await app.query('select 1 from audit_log where resource_id = $1', [id])).toHaveLength(1);
    const tag = await tagOf(`/policies/${id}`);
    expect((await app.call('DELETE', `/policies/${id}`, undefined, { 'if-match': tag })).status).toBe(204);
  });

  it('takes *, and any of several tags, and no weak one', async () => {
    const path = versioned['account']?.path ?? '';
    expect((await patch(path, { name: 'a' }, '*')).status).toBe(200);
    expect((await patch(path, { name: 'b' }, `"x", ${await tagOf(path)} ,W/"y"`)).status).toBe(200);
    expect((await patch(path, { name: 'c' }, `W/${await tagOf(path)}`)).status).toBe(412);
    expect((await patch('/accounts/01980000-0000-7000-8000-000000000001', { name: 'd' }, '*')).status).toBe(404);
  });

  it.each(['x', '"x', '""x"', ',', '"a" "b"', `"${'a'.repeat(5_000)}"`])('refuses the header %.20s', async (header) => {
    const path = versioned['account']?.path ?? '';
    const { status, body } = await patch(path, { name: 'never' }, header);
    expect([status, body.errors?.map((fault) => fault.path)]).toEqual([400, ['If-Match']]);
    const read = await app.call('GET', path, undefined, { 'if-none-match': header });
    expect(read.status).toBe(400);
  });

  it('does not count the last use of a key as a change of it', async () => {
    const path = versioned['key']?.path ?? '';
    const tag = await tagOf(path);
    await app.query(
      `insert into api_key_last_use values ($1, now()) on conflict (api_key_id) do update set last_used_at = now()`,
      [path.split('/')[2]],
    );
    expect(await tagOf(path)).toBe(tag);
  });

  it('shows the tag of a new resource, also in a repetition, and a tag of the key that hides its secret', async () => {
    const headers = { 'idempotency-key': 'tag-1' };
    const account = versioned['account']?.path.split('/')[2];
    const body = { name: 'tagged', owner_account_id: account };
    const first = await app.call<Resource>('POST', '/api-keys', body, headers);
    const again = await app.call<Resource>('POST', '/api-keys', body, headers);
    const tags = [first, again].map((answer) => answer.headers.get('etag'));
    expect(new Set([...tags, await tagOf(`/api-keys/${first.body.id}`)]).size).toBe(1);
  });
});
