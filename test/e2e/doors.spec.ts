import { connect, type Socket } from 'node:net';
import { FailedLogins } from '../../src/auth/index.js';
import { OperationCatalog } from '../../src/platform/openapi/index.js';
import { ADMIN_TOKEN } from '../support/gateway.js';
import { AdminApp } from './admin.app.js';

const MIB = 1024 * 1024;
const VIEWER_TOKEN = 'viewer-token-of-the-test';
const ANSWER_MAX_MS = 10_000;

let app: AdminApp;
beforeAll(async () => {
  app = await AdminApp.start({ AUTH_FAILURES_PER_MINUTE: '5', VIEWER_TOKEN, TRUSTED_PROXIES: '127.0.0.1' });
});
afterAll(async () => app.stop());

interface RawAnswer {
  status: number;
  body: unknown;
  socket: Socket;
}

/** Writes bytes and reads one answer with a declared length; the connection stays open. */
function exchange(bytes: string | Buffer): Promise<RawAnswer> {
  const { hostname, port } = new URL(app.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.setTimeout(ANSWER_MAX_MS, () => {
      socket.destroy();
      reject(new Error(`no answer, only: ${text}`));
    });
    socket.on('error', reject);
    socket.on('data', (piece: Buffer) => {
      text += piece.toString();
      const [head = '', body] = text.split('\r\n\r\n', 2);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
      if (body === undefined || Buffer.byteLength(body) < length) return;
      resolve({ status: Number(head.split(' ', 2)[1]), body: JSON.parse(body), socket });
    });
    socket.write(bytes);
  });
}

describe('callers without a credential', () => {
  it('hold no bodies at the admin door and keep no operator out', async () => {
    const head = `POST /admin/v1/accounts HTTP/1.1\r\nhost: x\r\ncontent-length: ${MIB.toString()}\r\n\r\n`;
    const unfinished = Buffer.concat([Buffer.from(head), Buffer.alloc(MIB - 1, 0x20)]);
    const intruders = await Promise.all(Array.from({ length: 65 }, () => exchange(unfinished)));
    expect(new Set(intruders.map(({ status }) => status))).toEqual(new Set([401]));
    const operator = await app.call('POST', '/accounts', { kind: 'personal', name: 'Ada' });
    expect(operator.status).toBe(201);
    for (const { socket } of intruders) socket.destroy();
  });

  it('are refused before their body is looked at, also by role', async () => {
    const viewer = await app.clientOf('viewer');
    expect((await viewer.send('POST', '/accounts', 'x'.repeat(2 * MIB))).status).toBe(403);
    expect((await fetch(`${app.url}/admin/v1/accounts`, { method: 'POST', body: '{' })).status).toBe(401);
    expect((await app.sendText('POST', '/accounts', '{')).body.code).toBe('invalid_json');
    expect((await app.sendText('POST', '/accounts', ' '.repeat(MIB + 1))).body.code).toBe('body_too_large');
  });
});

describe('the addresses of a key', () => {
  it('hold at every route of a key', async () => {
    const { admin } = app;
    const owner = await admin.post<{ id: string }>('/accounts', { kind: 'personal', name: 'Ada' });
    const policy = await admin.post<{ id: string }>('/policies', { name: 'office', ip_allowlist: ['192.0.2.0/24'] });
    const fields = { name: 'k', owner_account_id: owner.id, policy_id: policy.id };
    const { key } = await admin.post<{ key: string }>('/api-keys', fields);
    const routes = app.get(OperationCatalog).all();
    const ofKeys = routes.filter(({ access }) => access?.kind === 'api_key');
    expect(ofKeys.length).toBeGreaterThan(7);
    for (const { method, path } of ofKeys) {
      const url = app.url + path.replace(/:\w+|\*/g, 'x');
      const body = JSON.stringify({ messages: [{ role: 'user', content: 'hello' }] });
      const headers = { authorization: `Bearer ${key}` };
      const answer = await fetch(url, { method, headers, ...(method === 'POST' ? { body } : {}) });
      const text = await answer.text();
      expect([method, path, answer.status, text]).toEqual([method, path, 403, expect.stringContaining('client ip')]);
    }
  });
});

describe('a host', () => {
  const doors: [string, object][] = [
    ['/openai/v1/models', { error: { code: 'invalid_request' } }],
    ['/api/v1/models', { code: 40000 }],
    ['/admin/v1/accounts', { code: 'invalid_request' }],
    ['/health', { error: { code: 'invalid_request' } }],
  ];

  it.each(doors)('is named once at %s, in the words of its door otherwise', async (path, shape) => {
    for (const hosts of ['host: a\r\nHost: b\r\n', 'host: a\r\nhost: a\r\n', 'host: a,b\r\n', 'host:\r\n', '']) {
      const { status, body, socket } = await exchange(
        `GET ${path} HTTP/1.1\r\n${hosts}authorization: Bearer ${ADMIN_TOKEN}\r\n\r\n`,
      );
      socket.destroy();
      expect([hosts, status, body]).toMatchObject([hosts, 400, shape]);
    }
  });
});

describe('guesses', () => {
  const ask = (path: string, token: string, from: string): Promise<Response> =>
    fetch(app.url + path, { headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': from } });

  it.each([
    ['/metrics', 429],
    ['/health', 200],
    ['/admin/v1/accounts', 429],
    ['/openai/v1/models', 403],
  ])('at %s count for every door, whichever address of its network the guesser uses', async (path, status) => {
    const failures = app.get(FailedLogins);
    const network = `2001:db8:0:${path.length.toString()}`;
    for (let guess = 0; guess < 6; guess += 1) await ask(path, 'guess', `${network}::${guess.toString()}`);
    expect(failures.count(`${network}::beef`)).toBeGreaterThan(0);
    // From here on each refusal is held for a second.
    for (let more = 0; more < 60; more += 1) failures.count(`${network}::beef`);
    const crowd = Array.from({ length: 8 }, () => failures.hold(`${network}::beef`));
    const [metrics, other] = await Promise.all([
      ask('/metrics', VIEWER_TOKEN, `${network}::1`),
      ask(path, VIEWER_TOKEN, `${network}::2`),
    ]);
    expect([metrics.status, other.status]).toEqual([429, status]);
    expect(Number(metrics.headers.get('retry-after'))).toBeGreaterThan(0);
    await Promise.all(crowd);
    expect((await ask('/metrics', VIEWER_TOKEN, `${network}::1`)).status).toBe(200);
  });
});
