import { request } from 'node:http';
import { AdminApp, answerOf } from './admin.app.js';
import { ADMIN_TOKEN } from '../support/gateway.js';

const NUL = '\u0000';
const HALF_PAIR = '\ud800';

/** Whatever is sent, the answer names the caller's fault: never 5xx, and the next request is served. */
describe('hostile requests to the administration', () => {
  let app: AdminApp;
  let count = 0;

  beforeAll(async () => {
    app = await AdminApp.start();
  });

  afterAll(async () => {
    expect((await app.call('GET', '/accounts')).status).toBe(200);
    await app.stop();
  });

  it.each([
    ['/accounts', { kind: 'personal', name: `a${NUL}b` }],
    ['/accounts', { kind: 'personal', name: HALF_PAIR }],
    ['/policies', { name: 'x', model_blacklist: [NUL] }],
    ['/policies', { name: 'x', model_blacklist: [HALF_PAIR] }],
    ['/policies', { name: 'x', ip_allowlist: [NUL] }],
    ['/providers', { name: 'x', adapter: NUL, base_url: 'https://x.example' }],
    ['/providers', { name: 'x', adapter: 'openai', base_url: `https://x.example/${NUL}` }],
    ['/providers', { name: 'x', adapter: 'openai', base_url: 'https://x.example', api_key: `a${NUL}` }],
    ['/providers', { name: 'ü', adapter: 'openai', base_url: 'https://x.example' }],
    [
      '/models',
      { model_key: 'x', display_name: 'x', tier: 'economy', context_window: 1, max_output_tokens: 1, alias: NUL },
    ],
    ['/models', { model_key: 'x', display_name: 'x', tier: 'economy', context_window: 2 ** 31, max_output_tokens: 1 }],
    [
      '/models',
      { model_key: "x' or 1=1", display_name: 'x', tier: 'economy', context_window: 1, max_output_tokens: 1 },
    ],
    ['/api-keys', { name: 'x', owner_account_id: '01980000-0000-7000-8000-000000000001', fixed_model: NUL }],
    ['/api-keys', { name: 'x', owner_account_id: '01980000-0000-7000-8000-000000000001', limit_rpm: 2 ** 31 }],
    ['/api-keys', { name: 'x', owner_account_id: '01980000-0000-7000-8000-000000000001', limit_daily: 1e300 }],
    [
      '/api-keys',
      { name: 'x', owner_account_id: '01980000-0000-7000-8000-000000000001', expires_at: '9999-99-99T00:00:00Z' },
    ],
  ])('refuse POST %s %j', async (path, body) => {
    const { status } = await app.call('POST', path, body, { 'idempotency-key': `hostile-${(count += 1).toString()}` });
    expect([400, 422]).toContain(status);
  });

  it.each([
    ['/usage?request_id=%00', 400],
    ['/usage?model=%25%25%25%25', 200],
    ["/usage?model='%20or%20'1'='1", 200],
    ['/usage?limit=1&limit=2', 400],
    ['/usage?from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z', 200],
    ['/usage?tier[]=economy', 400],
    ['/freezes?state=held&state=captured', 200],
    ['/freezes?state=HELD', 400],
    ['/requests/%00', 404],
    ['/requests/%F0%9F%98%80', 404],
    [`/requests/${'x'.repeat(200)}`, 404],
    ['/requests/..%2f..%2faccounts', 404],
    ['/accounts?__proto__=1', 400],
  ])('answer GET %s with %i', async (path, expected) => {
    expect((await app.call('GET', path)).status).toBe(expected);
  });

  it.each(['//accounts', '/accounts//members', '/accounts/..;/policies'])('know no path %s', async (path) => {
    const { status, body } = await app.call('GET', path);
    expect([status, body.code]).toEqual([404, 'not_found']);
  });

  it.each(['/accounts/%zz', '/accounts/%', `/accounts/${'x'.repeat(2000)}`])('refuse the path %s', async (path) => {
    const { status } = await app.call('GET', path);
    expect([400, 404, 414]).toContain(status);
  });

  it('take no field that is smuggled in as __proto__ or constructor', async () => {
    const smuggled = await app.sendText(
      'POST',
      '/accounts',
      '{"kind":"personal","name":"x","__proto__":{"status":"closed"}}',
    );
    expect(smuggled.status).toBe(400);
    expect((await app.call('POST', '/accounts', { kind: 'constructor', name: 'x' })).status).toBe(400);
  });

  it('survive JSON that is nested a hundred thousand deep', async () => {
    const text = `{"kind":"personal","name":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect((await app.sendText('POST', '/accounts', text)).status).toBe(400);
  });

  it('refuse compressed bodies', async () => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-encoding': 'gzip' };
    const body = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    const answer = await answerOf(await fetch(`${app.url}/admin/v1/accounts`, { method: 'POST', headers, body }));
    expect(answer.status).toBe(400);
  });

  it('authorise on the matched route, whatever Host and method overrides say', async () => {
    const viewer = await app.clientOf('viewer');
    const overrides = { host: 'localhost', 'x-http-method-override': 'GET', 'x-forwarded-host': 'admin.internal' };
    const response = await viewer.send('POST', '/accounts', { kind: 'personal', name: 'x' }, overrides);
    expect(response.status).toBe(403);
    expect(await statusOfRaw(app.url, { host: 'admin.internal' })).toBe(401);
    expect(await statusOfRaw(app.url, { host: '/admin/v1/accounts' })).toBe(400);
  });
});

/** `fetch` does not let a caller forge `Host`. */
function statusOfRaw(url: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request(`${url}/admin/v1/accounts`, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    call.once('error', reject).end();
  });
}
