import { connect } from 'node:net';
import { prompt, type ErrorBody } from '../support/chat.js';
import { ADMIN_TOKEN } from '../support/gateway.js';
import { World, type TestKey } from '../support/world.js';

/** What never reaches a route, or only in disguise, still gets an answer in the shape of its door, and the process lives on. */
let world: World;
let key: TestKey;
let model: string;
beforeAll(async () => {
  world = await World.create();
  key = await world.key();
  model = (await world.model()).key;
});
afterAll(() => world.destroy());

interface RawAnswer {
  status: number;
  head: string;
  body: string;
  /** The gateway ended the connection after the answer. */
  closed: boolean;
}

/** Ends what hangs. */
const ANSWER_MAX_MS = 60_000;

/** Writes bytes to a connection and reads one answer with a declared length. */
function exchange(bytes: string): Promise<RawAnswer> {
  const { hostname, port } = new URL(world.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let text = '';
    const answered = (closed: boolean): void => {
      const [head = '', body = ''] = text.split('\r\n\r\n', 2);
      socket.destroy();
      resolve({ status: Number(head.split(' ', 2)[1]), head: head.toLowerCase(), body, closed });
    };
    socket.setTimeout(ANSWER_MAX_MS, () => reject(new Error(`no answer, only: ${text}`)));
    socket.on('error', reject);
    socket.on('end', () => answered(true));
    socket.on('data', (piece: Buffer) => {
      text += piece.toString();
      const [head = '', body] = text.split('\r\n\r\n', 2);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
      if (body !== undefined && Buffer.byteLength(body) >= length && !/connection: close/i.test(head)) answered(false);
    });
    socket.write(bytes);
  });
}

/** A model call as it goes over the wire; `target` and `headers` are taken as they are. */
function call(target: string, headers = 'host: x\r\n', body = JSON.stringify(prompt(model))): string {
  const length = Buffer.byteLength(body).toString();
  return `POST ${target} HTTP/1.1\r\n${headers}authorization: Bearer ${key.key}\r\ncontent-length: ${length}\r\n\r\n${body}`;
}

async function expectAlive(): Promise<void> {
  expect((await fetch(`${world.url}/health/live`)).status).toBe(200);
}

describe('an address that cannot be read', () => {
  it.each([
    ['/openai/v1/%zz', (body: Record<string, unknown>) => body['error']],
    ['/api/v1/%zz', (body: Record<string, unknown>) => body['code']],
    ['/admin/v1/accounts/%zz', (body: Record<string, unknown>) => body['type']],
    [`/admin/v1/accounts/${'a'.repeat(300)}`, (body: Record<string, unknown>) => body['type']],
  ])('%s is a 400 of its door', async (path, mark) => {
    const response = await fetch(world.url + path);
    expect(response.status).toBe(400);
    expect(response.headers.get('x-daoe-request-id')).toMatch(/^gwr_/);
    expect(mark((await response.json()) as Record<string, unknown>)).toBeTruthy();
    await expectAlive();
  });
});

describe('an address in an unusual form', () => {
  it.each([
    ['as a proxy sends it', 'http://gateway.example/openai/v1/chat/completions'],
    ['with needless escapes', '/openai/v1/ch%61t/completions'],
    ['with a fragment', '/openai/v1/chat/completions#top'],
    ['with a query', '/openai/v1/chat/completions?api-version=1'],
    ['with a slash at its end', '/openai/v1/chat/completions/'],
  ])('%s reaches its route', async (_form, target) => {
    expect(await exchange(call(target))).toMatchObject({ status: 200 });
  });

  it('of an unknown path is a 404, also without any path', async () => {
    for (const line of ['GET http://x/nope', 'OPTIONS *']) {
      const { status, body } = await exchange(`${line} HTTP/1.1\r\nhost: x\r\n\r\n`);
      expect(status).toBe(404);
      expect(JSON.parse(body)).toMatchObject({ error: { type: 'not_found' } });
    }
  });
});

describe('bytes that are no HTTP request', () => {
  const get = 'GET /health/live HTTP/1.1\r\n';
  it.each([
    ['text', 'good morning\r\n\r\n', 400],
    ['an unknown method', 'FETCH / HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['a header without a colon', `${get}host: x\r\nnonsense\r\n\r\n`, 400],
    ['no Host', `${get}\r\n`, 400],
    ['two Hosts', `${get}host: x\r\nhost: y\r\n\r\n`, 400],
    ['a Host that is none', `${get}host: x/y\r\n\r\n`, 400],
    ['a target without its host', `GET http:///health/live HTTP/1.1\r\nhost: x\r\n\r\n`, 400],
    ['two lengths', `${get}host: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na`, 400],
    [
      'a length beside chunks',
      `${get}host: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['a header of 40 KiB', `${get}host: x\r\nx-long: ${'a'.repeat(40 * 1024)}\r\n\r\n`, 431],
  ])('such as %s are refused as every request is', async (_what, bytes, status) => {
    const answer = await exchange(bytes);
    expect(answer.status).toBe(status);
    expect(answer.head).toMatch(/^content-type: application\/json/m);
    expect(answer.head).toMatch(/^x-request-id: req-/m);
    const { error } = JSON.parse(answer.body) as ErrorBody;
    expect(error).toMatchObject({ type: 'invalid_request_error', code: 'invalid_request', param: null });
    expect(answer.head).toContain(`x-daoe-request-id: ${error.request_id}`);
    await expectAlive();
  });

  it('never come between an answer that has begun and its end', async () => {
    const slow = (await world.model({ behaviours: ['stall-a3'] })).key;
    const { hostname, port } = new URL(world.url);
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), hostname);
      let received = '';
      socket.setTimeout(ANSWER_MAX_MS, () => reject(new Error('the connection stayed open')));
      socket.on('error', reject);
      socket.on('close', () => resolve(received));
      socket.on('data', (piece: Buffer) => {
        if (received === '') socket.write('good morning\r\n\r\n');
        received += piece.toString();
      });
      const body = JSON.stringify(prompt(slow, { stream: true }));
      socket.write(call('/openai/v1/chat/completions', 'host: x\r\n', body));
    });
    expect(text).not.toContain('[DONE]');
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });
});

describe('a request that Node would answer by itself', () => {
  it('CONNECT is a 405 with Allow, or a 404', async () => {
    const known = await exchange('CONNECT /openai/v1/chat/completions HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(known.head).toMatch(/^allow: post$/m);
    expect([known.status, JSON.parse(known.body)]).toMatchObject([405, { error: { type: 'method_not_allowed' } }]);
    expect(await exchange('CONNECT example.com:443 HTTP/1.1\r\nhost: x\r\n\r\n')).toMatchObject({ status: 404 });
  });

  it('an expectation that nobody knows changes nothing', async () => {
    const headers = 'host: x\r\nexpect: the-best\r\n';
    expect(await exchange(call('/openai/v1/chat/completions', headers))).toMatchObject({ status: 200 });
  });
});

describe('a caller that asks before it sends its body', () => {
  const asking = 'host: x\r\nexpect: 100-continue\r\n';

  it('is refused without having been invited', async () => {
    const start = `POST /openai/v1/chat/completions HTTP/1.1\r\n${asking}`;
    expect(await exchange(`${start}content-length: 1000\r\n\r\n`)).toMatchObject({ status: 401, closed: true });
    const admin = `POST /admin/v1/accounts HTTP/1.1\r\n${asking}`;
    expect(await exchange(`${admin}content-length: 1000\r\n\r\n`)).toMatchObject({ status: 401, closed: true });
    const tooLong = `authorization: Bearer ${key.key}\r\ncontent-length: ${(8 * 1024 * 1024 + 1).toString()}\r\n`;
    expect(await exchange(`${start}${tooLong}\r\n`)).toMatchObject({ status: 400, closed: true });
  });

  it.each([
    ['/openai/v1/chat/completions', () => key.key, 200],
    ['/admin/v1/accounts', () => ADMIN_TOKEN, 400],
  ])('is invited where the body is read: %s', async (target, tokenOf, status) => {
    const { hostname, port } = new URL(world.url);
    const [head, body = ''] = call(target, asking).replace(key.key, tokenOf()).split('\r\n\r\n', 2);
    const statuses = await new Promise<string[]>((resolve, reject) => {
      const socket = connect(Number(port), hostname);
      let text = '';
      socket.setTimeout(ANSWER_MAX_MS, () => reject(new Error(`no answer, only: ${text}`)));
      socket.on('error', reject);
      socket.on('data', (piece: Buffer) => {
        if (text === '') socket.write(body);
        text += piece.toString();
        const found = [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, code = '']) => code);
        if (found.length === 2) {
          socket.destroy();
          resolve(found);
        }
      });
      socket.write(`${head ?? ''}\r\n\r\n`);
    });
    expect(statuses).toEqual(['100', status.toString()]);
  });
});

describe('a caller that wants its connection closed', () => {
  it.each([false, true])('gets it closed after the answer (stream: %s)', async (stream) => {
    const body = JSON.stringify(prompt(model, { stream }));
    const answer = await exchange(call('/openai/v1/chat/completions', 'host: x\r\nconnection: close\r\n', body));
    expect(answer).toMatchObject({ status: 200, closed: true });
  });
});
