import { AdminApp, type ProblemBody } from './admin.app.js';

const SOME_ID = '01980000-0000-7000-8000-000000000001';

describe('problem documents of the administration', () => {
  let app: AdminApp;

  beforeAll(async () => {
    app = await AdminApp.start();
  });

  afterAll(async () => app.stop());

  it('carry the media type, every field of the shape and the request id of the header', async () => {
    const { status, headers, body } = await app.call('GET', `/accounts/${SOME_ID}`);
    expect(status).toBe(404);
    expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(body).toMatchObject({ title: 'Not found', status: 404, code: 'account_not_found' });
    expect(body.type).toBe('urn:joytoken:problem:account_not_found');
    expect(body.request_id).toMatch(/^gwr_/);
    expect(headers.get('x-daoe-request-id')).toBe(body.request_id);
  });

  it.each(['/nothing', '/accounts/a/b/c', `/accounts/${SOME_ID}/nothing`, ''])(
    'answer 404 for the unknown route %p',
    async (path) => {
      const { status, body } = await app.call('GET', path);
      expect([status, body.code]).toEqual([404, 'not_found']);
    },
  );

  it.each([
    '/accounts/1',
    '/api-keys/%00',
    '/policies/null',
    '/models/a%2Fb',
    "/providers/'%20or%201=1--",
    '/accounts/1/wallets',
  ])('answer 404 for the malformed id in %p', async (path) => {
    expect((await app.call('GET', path)).status).toBe(404);
  });

  it('answer 404 for a tier that does not exist', async () => {
    const { id } = await app.admin.post<{ id: string }>('/accounts', { kind: 'personal', name: 'Ada' });
    const path = `/accounts/${id}/wallets/gold/top-ups`;
    const { status } = await app.call('POST', path, { amount: '1', reference: 'x' }, { 'idempotency-key': 'tier-1' });
    expect(status).toBe(404);
  });

  it.each([
    ['PUT', '/accounts', 'GET, HEAD, POST'],
    ['DELETE', `/accounts/${SOME_ID}`, 'GET, HEAD, PATCH'],
    ['GET', `/api-keys/${SOME_ID}/revoke`, 'POST'],
  ])('answer 405 with Allow for %s %s', async (method, path, allow) => {
    const { status, headers, body } = await app.call(method, path);
    expect([status, body.code]).toEqual([405, 'method_not_allowed']);
    expect(headers.get('allow')).toBe(allow);
  });

  it.each(['{', '{"kind":"personal",}', 'kind=personal', 'nul'])('answer 400 for the body %p', async (text) => {
    const { status, body } = await app.sendText('POST', '/accounts', text);
    expect([status, body.code]).toEqual([400, 'invalid_json']);
  });

  it('answer 400 for a compressed body', async () => {
    const account = { kind: 'personal', name: 'Ada' };
    const { status, body } = await app.call('POST', '/accounts', account, { 'content-encoding': 'gzip' });
    expect([status, body.code]).toEqual([400, 'unsupported_content_encoding']);
  });

  it('answer 400 for a body above 1 MiB', async () => {
    const { status, body } = await app.sendText('POST', '/accounts', JSON.stringify({ name: 'x'.repeat(1024 * 1024) }));
    expect([status, body.code]).toEqual([400, 'body_too_large']);
  });

  it.each([[undefined], [[]], ['text'], [7]])('answer 400 when the body is %p instead of an object', async (body) => {
    const answer = await app.call('POST', '/accounts', body);
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
  });

  it('name every fault of a request at once, unknown fields among them', async () => {
    const { status, body } = await app.call('POST', '/models?verbose=1', {
      model_key: 'auto',
      tier: 'gold',
      context_window: 0,
      mci_score: 101,
      customer_input_mtok: '0.0000001',
      feature_tags: ['chat', 7],
      budget: 5,
    });
    expect([status, body.code]).toEqual([400, 'validation_failed']);
    expect(pathsOf(body)).toEqual([
      'budget',
      'context_window',
      'customer_input_mtok',
      'display_name',
      'feature_tags.1',
      'max_output_tokens',
      'mci_score',
      'model_key',
      'tier',
      'verbose',
    ]);
  });

  it.each([
    ['GET', '/accounts?limit=0', 'limit'],
    ['GET', '/accounts?limit=201', 'limit'],
    ['GET', '/accounts?cursor=forged', 'cursor'],
    ['GET', '/accounts?kind=robot', 'kind'],
    ['GET', '/api-keys?status=active', 'status'],
    ['GET', '/usage?account_id=1', 'account_id'],
    ['GET', '/usage?from=yesterday', 'from'],
  ])('refuse the query of %s %s', async (method, path, field) => {
    const { status, body } = await app.call(method, path);
    expect([status, pathsOf(body)]).toEqual([400, [field]]);
  });

  it('refuse a patch that changes nothing', async () => {
    const { id } = await app.admin.post<{ id: string }>('/accounts', { kind: 'personal', name: 'Ada' });
    expect((await app.call('PATCH', `/accounts/${id}`, {})).body.code).toBe('validation_failed');
  });

  it('answer a trailing slash like the same path without it', async () => {
    expect((await app.call('GET', '/accounts/')).status).toBe(200);
  });
});

function pathsOf(body: ProblemBody): string[] {
  return (body.errors ?? []).map(({ path }) => path).sort();
}
