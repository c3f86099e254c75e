import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { prompt, type ErrorBody } from '../support/chat.js';
import { World, type TestKey } from '../support/world.js';

/** Bodies that are too large, compressed, late or never read: on raw connections, as clients see them. */
const LIMIT_BYTES = 8 * 1024 * 1024;

let world: World;
let key: TestKey;
let model: string;
beforeAll(async () => {
  world = await World.create();
  key = await world.key({ credits: { standard: '100000' } });
  model = (await world.model()).key;
});
afterAll(() => world.destroy());

interface Answer {
  status: number;
  error: ErrorBody['error'] | undefined;
  /** Local port: the same one means the connection was used again. */
  port: number;
}

interface Sending {
  body: Buffer | string;
  headers?: Record<string, string>;
  agent?: Agent;
  /** Without a Content-Length. */
  chunked?: boolean;
}

/** Sends a body to its end, whatever comes back meanwhile; rejects when writing fails before an answer was seen. */
function send({ body, headers, agent, chunked }: Sending): Promise<Answer> {
  const bytes = Buffer.from(body);
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${world.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key.key}`,
        'content-type': 'application/json',
        ...(chunked === true ? {} : { 'content-length': bytes.length }),
        ...headers,
      },
      ...(agent === undefined ? {} : { agent }),
    });
    let port = 0;
    request.on('socket', (socket) => (port = socket.localPort ?? 0));
    request.on('error', reject);
    request.on('response', (response) => {
      void readAll(response).then((text) => {
        const parsed = JSON.parse(text) as Partial<ErrorBody>;
        resolve({ status: response.statusCode ?? 0, error: parsed.error, port });
      }, reject);
    });
    request.end(bytes);
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of response) text += String(part);
  return text;
}

/** A valid body of exactly so many bytes. */
function bodyOfBytes(bytes: number): string {
  const empty = JSON.stringify({ model, messages: [{ role: 'user', content: '' }] });
  return JSON.stringify({ model, messages: [{ role: 'user', content: 'x'.repeat(bytes - empty.length) }] });
}

describe('a body', () => {
  it('of exactly 8 MiB is served', async () => {
    const body = bodyOfBytes(LIMIT_BYTES);
    expect(Buffer.byteLength(body)).toBe(LIMIT_BYTES);
    expect(await send({ body })).toMatchObject({ status: 200 });
  });

  it.each([
    ['one byte more', LIMIT_BYTES + 1, false],
    ['one byte more, in chunks', LIMIT_BYTES + 1, true],
    ['15 MiB', 15 * 1024 * 1024, false],
    ['15 MiB in chunks', 15 * 1024 * 1024, true],
  ])('of %s is a 400, and the connection is good for the next request', async (_what, bytes, chunked) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const refused = await send({ body: bodyOfBytes(bytes), agent, chunked });
    expect(refused).toMatchObject({ status: 400, error: { type: 'invalid_request_error' } });
    expect(await send({ body: JSON.stringify(prompt(model)), agent })).toMatchObject({ status: 200 });
    agent.destroy();
  });

  it.each(['gzip', 'br', 'deflate'])('that is compressed is a 400 (%s)', async (encoding) => {
    const body = gzipSync(JSON.stringify(prompt(model)));
    const answer = await send({ body, headers: { 'content-encoding': encoding } });
    expect(answer).toMatchObject({ status: 400, error: { type: 'invalid_request_error' } });
  });

  it('that is nested without end is refused or served, and the gateway stays up', async () => {
    const depth = 200_000;
    const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const body = `{"model":"${model}","messages":[{"role":"user","content":"hi"}],"deep":${nested}}`;
    expect((await send({ body })).status).toBe(400);
    expect(await send({ body: JSON.stringify(prompt(model)) })).toMatchObject({ status: 200 });
  });

  it('with a __proto__ field changes nothing', async () => {
    const body = `{"model":"${model}","messages":[{"role":"user","content":"hi"}],"__proto__":{"stream":true,"tier":"premium"}}`;
    expect(await send({ body })).toMatchObject({ status: 200 });
    expect(await send({ body: JSON.stringify(prompt(model)) })).toMatchObject({ status: 200 });
  });
});

describe('a refusal before the body', () => {
  /** Sends only the head of a request that promises a body, and reads what comes back. */
  function headOnly(headers: Record<string, string>): Promise<{ head: string; socket: Socket }> {
    const lines = Object.entries({ host: 'x', 'content-length': '1000', ...headers });
    const { hostname, port } = new URL(world.url);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname);
      let head = '';
      socket.on('data', (bytes: Buffer) => {
        head += bytes.toString('latin1');
        if (head.includes('}}')) resolve({ head, socket });
      });
      socket.on('error', reject);
      socket.setTimeout(60_000, () => reject(new Error('no answer without a body')));
      const head0 = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      socket.write(`POST /openai/v1/chat/completions HTTP/1.1\r\n${head0}\r\n`);
    });
  }

  it.each<[string, Record<string, string>, number]>([
    ['a missing key', {}, 401],
    ['an unknown key', { authorization: 'Bearer jt_nothing' }, 403],
  ])('comes at once for %s, before a byte of the body was sent', async (_what, headers, status) => {
    const { head, socket } = await headOnly(headers);
    expect(head).toContain(`HTTP/1.1 ${status.toString()} `);
    socket.destroy();
  });

  it('comes at once for a declared size over the limit', async () => {
    const headers = { authorization: `Bearer ${key.key}`, 'content-length': (LIMIT_BYTES + 1).toString() };
    const { head, socket } = await headOnly(headers);
    expect(head).toContain('HTTP/1.1 400 ');
    socket.destroy();
  });

  it('still takes the body, so that the connection serves the next request', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const refused = await send({ body: bodyOfBytes(4 * 1024 * 1024), headers: { authorization: 'Bearer x' }, agent });
    expect(refused).toMatchObject({ status: 403 });
    const next = await send({ body: JSON.stringify(prompt(model)), agent });
    expect(next).toMatchObject({ status: 200, port: refused.port });
    agent.destroy();
  });
});

describe('a caller that sends half a body and leaves', () => {
  it('harms nobody', async () => {
    const { hostname, port } = new URL(world.url);
    const socket = connect(Number(port), hostname);
    const head = `POST /openai/v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key.key}\r\n`;
    await new Promise<void>((resolve) => {
      socket.write(`${head}content-length: 1000\r\n\r\n{"model":`, () => resolve());
    });
    socket.destroy();
    expect(await send({ body: JSON.stringify(prompt(model)) })).toMatchObject({ status: 200 });
  });
});
