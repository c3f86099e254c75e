import type { ExecutionContext } from '@nestjs/common';
import { AdminAuthGuard } from '../../src/admin/access/admin-auth.guard.js';
import { CredentialCheck, type AdminRole } from '../../src/auth/index.js';
import { PolicyService } from '../../src/policy/index.js';
import { AdminClient } from '../support/admin.js';
import { ADMIN_TOKEN } from '../support/gateway.js';
import { AdminApp, answerOf, type ProblemBody } from './admin.app.js';

interface Document {
  paths: Record<string, Record<string, { security: Record<string, string[]>[] }>>;
}

/** Weakest first. */
const ROLES: readonly AdminRole[] = ['viewer', 'operator', 'owner'];
/** HEAD is GET without a body. */
const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD';
const SOME_ID = '01980000-0000-7000-8000-000000000001';

describe('who may call an administration route', () => {
  let app: AdminApp;
  let operations: { method: string; path: string }[];

  beforeAll(async () => {
    app = await AdminApp.start({ AUTH_FAILURES_PER_MINUTE: '0' });
    operations = app.routes
      .filter(({ path }) => path.startsWith('/admin/v1/'))
      .map(({ method, path }) => ({
        method,
        path: path
          .slice('/admin/v1'.length)
          .replace(':tier', 'standard')
          .replace(':queue', 'settlement')
          .replace(/:\w+/g, SOME_ID),
      }));
  });

  afterAll(async () => app.stop());

  it('knows more than thirty routes, so that the enumeration below is not empty', () => {
    expect(operations.length).toBeGreaterThan(30);
  });

  it('refuses every route without a token', async () => {
    for (const { method, path } of operations) {
      const response = await fetch(`${app.url}/admin/v1${path}`, { method });
      const { status, headers, body } = await answerOf<ProblemBody | undefined>(response);
      expect([method, path, status]).toEqual([method, path, 401]);
      expect(headers.get('www-authenticate')).toBe('Bearer');
      expect(body?.code).toBe(method === 'HEAD' ? undefined : 'missing_admin_token');
    }
  });

  it.each(['wrong', 'ja_0000000000000000000000000000000000000000', 'jt_0000000000000000000000000000000000000000'])(
    'refuses every route with the bad token %s',
    async (token) => {
      const stranger = new AdminClient(app.url, token);
      for (const { method, path } of operations) {
        const { status, body } = await answerOf<ProblemBody | undefined>(await stranger.send(method, path));
        const code = method === 'HEAD' ? undefined : 'invalid_admin_token';
        expect([method, path, status, body?.code]).toEqual([method, path, 401, code]);
      }
    },
  );

  /** Reads take a viewer and writes an operator; whatever concerns admin tokens takes an owner, reading too. */
  function neededRole(method: string, path: string): AdminRole {
    if (path.startsWith('/admin-tokens')) return 'owner';
    return isRead(method) ? 'viewer' : 'operator';
  }

  it.each(['viewer', 'operator', 'owner'] as const)(
    'lets a %s pass where its role suffices, and nowhere else',
    async (role) => {
      const client = await app.clientOf(role);
      const wrong: string[] = [];
      for (const { method, path } of operations) {
        const mayPass = ROLES.indexOf(role) >= ROLES.indexOf(neededRole(method, path));
        const { status, body } = await answerOf<ProblemBody | undefined>(await client.send(method, path));
        // Whoever may pass meets the operation itself: what it answers to no body and an unknown id, never 401 or 403.
        const code = method === 'HEAD' ? undefined : 'forbidden';
        const isRight = mayPass ? status !== 401 && status !== 403 : status === 403 && body?.code === code;
        if (!isRight) wrong.push(`${role}: ${method} ${path} → ${status.toString()}`);
      }
      expect(wrong).toEqual([]);
    },
    60_000,
  );

  it('refuses every role where a route forgot to declare one', async () => {
    const guard = new AdminAuthGuard(app.get(CredentialCheck), app.get(PolicyService));
    const handler = (): void => undefined;
    const execution = {
      switchToHttp: () => ({ getRequest: () => ({ socket: {}, headers: { authorization: `Bearer ${ADMIN_TOKEN}` } }) }),
      getHandler: () => handler,
      getClass: () => AdminAuthGuard,
    };
    await expect(guard.canActivate(execution as unknown as ExecutionContext)).rejects.toThrow('role');
  });

  it('refuses a token whose time is over', async () => {
    const late = await app.clientOf('owner', new Date(Date.now() - 1000));
    const { status, body } = await answerOf(await late.send('GET', '/accounts'));
    expect([status, body.code]).toEqual([401, 'invalid_admin_token']);
  });

  it('takes no other scheme than Bearer and no token in the query', async () => {
    const basic = await fetch(`${app.url}/admin/v1/accounts`, { headers: { authorization: 'Basic YTpi' } });
    const query = await fetch(`${app.url}/admin/v1/accounts?token=wrong`);
    expect([basic.status, query.status]).toEqual([401, 401]);
  });

  it('documents the credential of every administration route', async () => {
    const document = (await (await fetch(`${app.url}/docs/openapi.json`)).json()) as Document;
    const admin = Object.entries(document.paths).filter(([path]) => path.startsWith('/admin/v1/'));
    const securities = admin.flatMap(([, methods]) => Object.values(methods).map(({ security }) => security));
    expect(securities.every((security) => security.length === 1 && 'adminToken' in (security[0] ?? {}))).toBe(true);
  });
});
