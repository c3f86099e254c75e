import { createServer as createPlainServer } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Client } from 'pg';
import { AppError } from '../../src/platform/errors/index.js';
import { newId } from '../../src/platform/ids/index.js';
import type { NewProvider } from '../../src/provider/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { UpstreamProcess } from '../support/upstream/client.js';
import { TEST_CERTIFICATE, TEST_CERTIFICATE_KEY } from '../support/upstream/certificate.js';
import { ProviderProcess, requestOf } from './provider.process.js';

const SECRET_1 = `1:${Buffer.alloc(32, 1).toString('base64')}`;
const SECRET_2 = `2:${Buffer.alloc(32, 2).toString('base64')}`;
const KEY = 'sk-live-canary-4711';

async function refusalOf(call: Promise<unknown>): Promise<AppError> {
  const error: unknown = await call.catch((one: unknown) => one);
  if (error instanceof AppError) return error;
  throw new Error(`not refused: ${String(error)}`);
}

describe('administration of providers', () => {
  let database: TestDatabase;
  let upstream: UpstreamProcess;
  let gateway: ProviderProcess;
  let sql: Client;

  beforeAll(async () => {
    [database, upstream] = await Promise.all([createTestDatabase(), UpstreamProcess.start()]);
    gateway = await ProviderProcess.start(database.url);
    sql = new Client({ connectionString: database.url });
    await sql.connect();
  });

  afterAll(async () => {
    await sql.end();
    await gateway.stop();
    await Promise.all([upstream.stop(), database.drop()]);
  });

  const acme = (name: string, more: Partial<NewProvider> = {}): NewProvider => ({
    name,
    adapter: 'openai',
    baseUrl: upstream.url,
    apiKey: KEY,
    ...more,
  });

  it('stores a provider and shows everything but its key', async () => {
    const created = await gateway.admin.create(acme('stored', { hangupBilling: 'drain' }));
    expect(created).toMatchObject({
      name: 'stored',
      adapter: 'openai',
      baseUrl: upstream.url,
      hangupBilling: 'drain',
      enabled: true,
      hasApiKey: true,
    });
    expect(JSON.stringify(created)).not.toContain(KEY);
    await expect(gateway.admin.read(created.id)).resolves.toEqual(created);
    await expect(gateway.admin.findByName('stored')).resolves.toEqual(created);
  });

  it('keeps the key sealed in the database, bound to its row', async () => {
    const { id } = await gateway.admin.create(acme('sealed'));
    const other = await gateway.admin.create(acme('borrower'));
    const { rows } = await sql.query<{ api_key_sealed: string }>('select * from provider where id = $1', [id]);
    expect(rows[0]?.api_key_sealed).toMatch(/^v1\.[\w-]+$/);
    expect(JSON.stringify(rows)).not.toContain(KEY);
    // Another row cannot use it.
    await sql.query('update provider set api_key_sealed = $2 where id = $1', [other.id, rows[0]?.api_key_sealed]);
    await expect(gateway.admin.test(other.id)).resolves.toMatchObject({ ok: false, error: 'secret_unreadable' });
  });

  it('opens keys of an older secret after a new one was added', async () => {
    const { id } = await gateway.admin.create(acme('rotated'));
    const rotated = await ProviderProcess.start(database.url, { ENCRYPTION_SECRETS: `${SECRET_1},${SECRET_2}` });
    try {
      await expect(rotated.admin.test(id)).resolves.toMatchObject({ ok: true, status: 200, models: 1 });
      await rotated.admin.patch(id, { apiKey: 'sk-new' });
      const { rows } = await sql.query<{ sealed: string }>('select api_key_sealed sealed from provider where id = $1', [
        id,
      ]);
      expect(rows[0]?.sealed).toMatch(/^v2\./);
    } finally {
      await rotated.stop();
    }
  });

  it('seals the keys again with a newer secret, beside a process that goes on, and then has nothing to do', async () => {
    const { id } = await gateway.admin.create(acme('resealed'));
    const rotated = await ProviderProcess.start(database.url, { ENCRYPTION_SECRETS: `${SECRET_2},${SECRET_1}` });
    const sealed = async (): Promise<unknown> =>
      (await sql.query<{ sealed: string }>('select api_key_sealed sealed from provider where id = $1', [id])).rows[0];
    try {
      const looked = await rotated.sealed.reseal(false);
      expect(looked).toMatchObject([{ store: 'provider keys', resealed: 0 }, { store: 'webhook secrets' }]);
      expect(await sealed()).toMatchObject({ sealed: expect.stringMatching(/^v1\./) as string });
      const [report] = await rotated.sealed.reseal(true);
      expect(report?.byNumber[1]).toBeGreaterThan(0);
      expect(await sealed()).toMatchObject({ sealed: expect.stringMatching(/^v2\./) as string });
      await expect(rotated.admin.test(id)).resolves.toMatchObject({ ok: true });
      expect((await rotated.sealed.reseal(true))[0]?.resealed).toBe(0);
    } finally {
      await rotated.stop();
    }
  });

  it('changes only the fields that are given', async () => {
    const before = await gateway.admin.create(acme('patched'));
    const after = await gateway.admin.patch(before.id, { name: 'patched-2', enabled: false });
    expect(after).toMatchObject({ ...before, name: 'patched-2', enabled: false, updatedAt: expect.any(Date) as Date });
    expect(after.updatedAt.getTime()).toBeGreaterThan(before.updatedAt.getTime());
    const elsewhere = { baseUrl: 'https://elsewhere.example/v1' };
    expect(await refusalOf(gateway.admin.patch(before.id, elsewhere))).toMatchObject({ param: 'api_key' });
    await expect(gateway.admin.patch(before.id, { ...elsewhere, apiKey: 'sk-new' })).resolves.toMatchObject(elsewhere);
    await expect(gateway.admin.patch(before.id, { apiKey: null })).resolves.toMatchObject({ hasApiKey: false });
  });

  it('lists the newest first, page by page', async () => {
    for (const name of ['list-1', 'list-2', 'list-3']) await gateway.admin.create(acme(name));
    const first = await gateway.admin.list({ limit: 2, cursor: null });
    const second = await gateway.admin.list({ limit: 1, cursor: first.nextCursor });
    expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(['list-3', 'list-2', 'list-1']);
    expect(second.nextCursor).not.toBeNull();
    await expect(gateway.admin.list({ limit: 2, cursor: 'x' })).resolves.toEqual({ items: [], nextCursor: null });
  });

  it('refuses a name that is taken', async () => {
    await gateway.admin.create(acme('unique'));
    const other = await gateway.admin.create(acme('unique-2'));
    const refusal = { kind: 'conflict', code: 'provider_name_taken', param: 'name' };
    expect(await refusalOf(gateway.admin.create(acme('unique')))).toMatchObject(refusal);
    expect(await refusalOf(gateway.admin.patch(other.id, { name: 'unique' }))).toMatchObject(refusal);
  });

  it.each<[string, Partial<NewProvider>]>([
    ['name', { name: 'naïve' }],
    ['name', { name: 'two\nlines' }],
    ['name', { name: '' }],
    ['adapter', { adapter: 'carrier-pigeon' }],
    ['api_key', { apiKey: 'sk-1\r\nx-injected: 1' }],
    ['base_url', { baseUrl: 'not a url' }],
    ['base_url', { adapter: 'sandbox', baseUrl: 'https://example.com' }],
  ])('refuses a bad %s: %j', async (param, more) => {
    expect(await refusalOf(gateway.admin.create(acme('bad', more)))).toMatchObject({ kind: 'unprocessable', param });
  });

  it.each(['not-an-id', newId()])('answers an unknown provider with not_found: %s', async (id) => {
    const { admin } = gateway;
    for (const call of [
      () => admin.read(id),
      () => admin.patch(id, {}),
      () => admin.remove(id),
      () => admin.test(id),
    ]) {
      expect(await refusalOf(call())).toMatchObject({ kind: 'not_found' });
    }
  });

  it('deletes a provider, but not while an endpoint uses it', async () => {
    const { id } = await gateway.admin.create(acme('deleted'));
    const modelId = newId();
    await sql.query(
      `insert into model (id, model_key, display_name, tier, context_window, max_output_tokens)
       values ($1, $2, 'M', 'economy', 1000, 100)`,
      [modelId, `test/${modelId}`],
    );
    await sql.query('insert into model_endpoint (id, model_id, provider_id, upstream_model) values ($1, $2, $3, $4)', [
      newId(),
      modelId,
      id,
      'm',
    ]);
    expect(await refusalOf(gateway.admin.remove(id))).toMatchObject({ kind: 'conflict', code: 'provider_in_use' });
    await sql.query('delete from model where id = $1', [modelId]);
    await gateway.admin.remove(id);
    expect(await refusalOf(gateway.admin.read(id))).toMatchObject({ kind: 'not_found' });
  });

  it('uses a changed key and address for the next call, and a disabled provider for none', async () => {
    const make = await gateway.provider('moving', upstream.url);
    const { providerId } = make('ok');
    const sent = async (label: string): Promise<string | undefined> => {
      const body = { messages: [{ role: 'user', content: label }] };
      await gateway.providers.call(requestOf([make('ok')], { body }));
      return (await upstream.calls(label))[0]?.headers.authorization;
    };
    await expect(sent('moving-1')).resolves.toMatch(/^Bearer sk-canary/);
    await gateway.admin.patch(providerId, { apiKey: 'sk-second' });
    await gateway.changes.catchUp();
    await expect(sent('moving-2')).resolves.toBe('Bearer sk-second');
    await gateway.admin.patch(providerId, { enabled: false });
    await gateway.changes.catchUp();
    const refused = gateway.providers.call(requestOf([make('ok')]));
    await expect(refused).rejects.toMatchObject({ facts: { attempts: [{ reason: 'provider_disabled' }] } });
  });

  it.each([
    ['a good key', () => upstream.url, { ok: true, status: 200, error: null, models: 1 }],
    ['nobody there', () => 'http://127.0.0.1:9/v1', { ok: false, status: null, error: 'connect_refused' }],
  ])('tests a provider with a real call: %s', async (name, baseUrl, expected) => {
    const { id } = await gateway.admin.create(acme(`tested ${name}`, { baseUrl: baseUrl() }));
    const result = await gateway.admin.test(id);
    expect(result).toMatchObject(expected);
    expect(result.durationMs).toBeGreaterThanOrEqual(0);
  });

  it.each([
    ['ok', { ok: true, diagnosis: 'ok', model: 'ok' }],
    ['only-max-completion-tokens', { ok: true, diagnosis: 'ok' }],
    ['no-such-model', { ok: false, diagnosis: 'model', status: 404 }],
    ['bad-key', { ok: false, diagnosis: 'auth', status: 401 }],
    ['status-429', { ok: false, diagnosis: 'rate_limit' }],
    ['status-503', { ok: false, diagnosis: 'server' }],
    ['html', { ok: false, diagnosis: 'answer' }],
    [
      'context-length',
      { ok: false, diagnosis: 'request', detail: expect.stringContaining('maximum context') as string },
    ],
  ])('tests a model with a real call and says what is wrong: %s', async (model, expected) => {
    const { id } = await gateway.admin.create(acme(`model ${model}`, { baseUrl: upstream.url }));
    expect(await gateway.admin.test(id, model)).toMatchObject(expected);
  });

  it.each([
    [404, 'application/json', '{"error":{"message":"no such path"}}', { diagnosis: 'unproven', models: null }],
    [405, 'text/plain', 'no', { diagnosis: 'unproven', models: null }],
    [200, 'text/html; charset=utf-8', '<html>log in</html>', { diagnosis: 'unproven', models: null }],
    [200, 'application/json', '{"error":{"message":"who are you?"}}', { diagnosis: 'unproven', models: null }],
    [200, 'application/json', '[{"id":"a"},{"id":"b"}]', { diagnosis: 'ok', models: 2 }],
  ])('says what it saw in place of a list of models: %i %s %s', async (status, type, body, expected) => {
    const server = createPlainServer((_request, response) => {
      response.writeHead(status, { 'content-type': type }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const baseUrl = `http://127.0.0.1:${String(port)}/v1`;
    const { id } = await gateway.admin.create(acme(`list ${String(status)} ${body}`, { baseUrl }));
    const test = await gateway.admin.test(id);
    const isProven = expected.diagnosis === 'ok';
    expect(test).toMatchObject({ ...expected, ok: isProven, status });
    const seen = `the question for the models was answered with status ${String(status)}, ${type.split(';', 1)[0] ?? ''}`;
    expect(test.detail).toBe(isProven ? null : seen);
    server.closeAllConnections();
    server.close();
  });

  it('verifies certificates', async () => {
    const server = createServer({ cert: TEST_CERTIFICATE, key: TEST_CERTIFICATE_KEY });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { id } = await gateway.admin.create(acme('self-signed', { baseUrl: `https://127.0.0.1:${String(port)}/v1` }));
    await expect(gateway.admin.test(id)).resolves.toMatchObject({ ok: false, error: 'tls_failed' });
    server.close();
  });

  describe('without ALLOW_PRIVATE_UPSTREAMS', () => {
    let strict: ProviderProcess;
    beforeAll(async () => {
      strict = await ProviderProcess.start(database.url, { ALLOW_PRIVATE_UPSTREAMS: 'false' });
    });
    afterAll(() => strict.stop());

    it('refuses to save a private address', async () => {
      const refusal = await refusalOf(strict.admin.create(acme('private')));
      expect(refusal).toMatchObject({ kind: 'unprocessable', code: 'base_url_refused', param: 'base_url' });
    });

    it.each(['address', 'name'])('refuses to connect to one that was saved before: by %s', async (by) => {
      const url = new URL(upstream.url);
      if (by === 'name') url.hostname = 'localhost';
      const { id } = await gateway.admin.create(acme(`rebound by ${by}`, { baseUrl: url.href.replace(/\/$/, '') }));
      await expect(strict.admin.test(id)).resolves.toMatchObject({ ok: false, error: 'address_refused' });
      await expect(gateway.admin.test(id)).resolves.toMatchObject({ ok: true });
    });
  });
});
