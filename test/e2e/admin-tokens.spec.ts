import { AdminClient } from '../support/admin.js';
import { AdminApp, answerOf, type Answer, type ProblemBody } from './admin.app.js';

interface Token {
  id: string;
  name: string;
  role: string;
  status: string;
  display: string;
  token: string | null;
}

describe('admin tokens', () => {
  let app: AdminApp;
  beforeAll(async () => {
    app = await AdminApp.start();
  });
  afterAll(async () => app.stop());

  const make = (fields: Record<string, unknown> = {}): Promise<Token> =>
    app.admin.post<Token>('/admin-tokens', { name: 'ci', role: 'operator', ...fields });

  async function ask(token: string | null, path = '/accounts'): Promise<Answer<ProblemBody>> {
    return answerOf(await new AdminClient(app.url, token ?? '').send('GET', path));
  }

  it('are shown once, stored as a hash, and pass at once', async () => {
    const { token, ...shown } = await make();
    expect(token).toMatch(/^ja_[0-9A-Za-z]{38}$/);
    expect(shown).toMatchObject({ role: 'operator', status: 'active' });
    expect(shown.display).toMatch(/^ja_.{4}….{4}$/);
    expect((await ask(token)).status).toBe(200);
    const read = await app.admin.get<Token>(`/admin-tokens/${shown.id}`);
    expect(read).toEqual(shown);
    const rows = await app.query('select row_to_json(t)::text as dump from admin_token t');
    const audit = await app.query('select row_to_json(a)::text as dump from audit_log a');
    expect(JSON.stringify([rows, audit])).not.toContain(token?.slice(8, 30));
  });

  it('are repeated without the secret', async () => {
    const headers = { 'idempotency-key': 'token-1' };
    const body = { name: 'once', role: 'viewer' };
    const first = await app.call<Token>('POST', '/admin-tokens', body, headers);
    const again = await app.call<Token>('POST', '/admin-tokens', body, headers);
    expect(again.body).toEqual({ ...first.body, token: null, replayed: true });
    expect(JSON.stringify(await app.query('select response from admin_idempotency'))).not.toContain(first.body.token);
  });

  it('are in force with a changed role or end when the answer arrives', async () => {
    const { id, token } = await make({ role: 'owner' });
    expect((await ask(token, '/admin-tokens')).status).toBe(200);
    await app.admin.patch(`/admin-tokens/${id}`, { role: 'viewer', name: 'weaker' });
    expect((await ask(token, '/admin-tokens')).status).toBe(403);
    expect((await ask(token)).status).toBe(200);
    const revoked = await app.admin.post<Token>(`/admin-tokens/${id}/revoke`, undefined);
    expect(revoked).toMatchObject({ status: 'revoked', name: 'weaker' });
    expect((await ask(token)).body.code).toBe('invalid_admin_token');
    const late = await app.call('PATCH', `/admin-tokens/${id}`, { role: 'owner' });
    expect([late.status, late.body.code]).toEqual([409, 'admin_token_revoked']);
    expect((await app.call('DELETE', `/admin-tokens/${id}`)).status).toBe(204);
  });

  it('have a future end, a known role and no other fields', async () => {
    const faults = async (fields: Record<string, unknown>): Promise<unknown> => {
      const { status, body } = await app.call('POST', '/admin-tokens', { name: 'x', role: 'viewer', ...fields });
      return [status, body.errors?.map(({ path }) => path)];
    };
    expect(await faults({ expires_at: '2020-01-01T00:00:00Z' })).toEqual([422, ['expires_at']]);
    expect(await faults({ role: 'root' })).toEqual([400, ['role']]);
    expect(await faults({ name: '' })).toEqual([400, ['name']]);
    expect(await faults({ token_hash: 'x', id: 'y' })).toEqual([400, ['token_hash', 'id']]);
  });

  it('are listed by role, page by page', async () => {
    const made = [await make({ role: 'viewer' }), await make({ role: 'viewer' })].map(({ id }) => id);
    const first = await app.admin.get<{ data: Token[]; next_cursor: string }>('/admin-tokens?role=viewer&limit=1');
    const next = await app.admin.get<{ data: Token[] }>(
      `/admin-tokens?role=viewer&limit=1&cursor=${first.next_cursor}`,
    );
    expect([...first.data, ...next.data].map(({ id }) => id)).toEqual(made.reverse());
  });
});

describe('the last owner', () => {
  let app: AdminApp;
  let owner: AdminClient;
  let ownerId: string;

  beforeAll(async () => {
    // An empty setting is an absent one: only tokens in the table count.
    app = await AdminApp.start({ ADMIN_TOKEN: '' });
    owner = await app.clientOf('owner');
    const { data } = await owner.get<{ data: Token[] }>('/admin-tokens?role=owner');
    ownerId = data[0]?.id ?? '';
    expect(data).toHaveLength(1);
  });
  afterAll(async () => app.stop());

  const codeOf = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await answerOf<ProblemBody | undefined>(await owner.send(method, path, body));
    return [answer.status, answer.body?.code];
  };

  it('cannot be revoked, weakened or given an end', async () => {
    expect(await codeOf('POST', `/admin-tokens/${ownerId}/revoke`)).toEqual([409, 'last_owner']);
    expect(await codeOf('DELETE', `/admin-tokens/${ownerId}`)).toEqual([409, 'last_owner']);
    expect(await codeOf('PATCH', `/admin-tokens/${ownerId}`, { role: 'operator' })).toEqual([409, 'last_owner']);
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    expect(await codeOf('PATCH', `/admin-tokens/${ownerId}`, { expires_at: soon })).toEqual([409, 'last_owner']);
    expect((await codeOf('PATCH', `/admin-tokens/${ownerId}`, { name: 'me' })) as number[]).toEqual([200, undefined]);
  });

  it('is not replaced by one that will expire', async () => {
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    await owner.post('/admin-tokens', { name: 'brief', role: 'owner', expires_at: soon });
    expect(await codeOf('POST', `/admin-tokens/${ownerId}/revoke`)).toEqual([409, 'last_owner']);
  });

  it('stays when two owners revoke each other at the same moment', async () => {
    const second = await owner.post<Token>('/admin-tokens', { name: 'second', role: 'owner' });
    const other = new AdminClient(app.url, second.token ?? '');
    const answers = await Promise.all([
      owner.send('POST', `/admin-tokens/${second.id}/revoke`),
      other.send('POST', `/admin-tokens/${ownerId}/revoke`),
    ]);
    expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1);
    const left = await app.query(
      `select 1 from admin_token where role = 'owner' and revoked_at is null and expires_at is null`,
    );
    expect(left).toHaveLength(1);
  });
});
