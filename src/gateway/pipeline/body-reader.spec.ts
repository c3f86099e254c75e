import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { AppError } from '../../platform/errors/index.js';
import { replyAndDiscard } from '../errors/lingering-reply.js';
import { BODY_MAX_BYTES, BodyReader } from './body-reader.js';

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Sends a body of its own accord, never waiting for the answer, as a careless client does. */
function post(port: number, headers: Record<string, string>, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = httpRequest({ port, method: 'POST', headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      );
    });
    call.once('error', reject);
    call.end(body);
  });
}

/** A request whose body is what is written to a stream. */
function arriving(body: PassThrough): IncomingMessage {
  return Object.assign(body, { headers: {} }) as unknown as IncomingMessage;
}

function codeOf(error: unknown): string {
  return error instanceof AppError ? (error.code ?? '') : String(error);
}

describe('reading a body', () => {
  let server: Server;
  let port: number;

  beforeAll(async () => {
    const reader = new BodyReader();
    server = createServer((request, response) => {
      reader.readJson(request).then(
        ({ value, sizeBytes }) => response.end(JSON.stringify({ value, sizeBytes })),
        (error: unknown) => {
          replyAndDiscard(request, response, 400, {}, codeOf(error));
        },
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });

  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it('gives the JSON value and its size', async () => {
    const answer = await post(port, {}, Buffer.from('{"a":"é"}'));
    expect(JSON.parse(answer.text)).toEqual({ value: { a: 'é' }, sizeBytes: 10 });
  });

  it('overlooks a byte order mark, and an encoding that is none', async () => {
    const answer = await post(port, { 'content-encoding': 'Identity' }, Buffer.from('\ufeff{"a":1}'));
    expect(JSON.parse(answer.text)).toEqual({ value: { a: 1 }, sizeBytes: 10 });
  });

  it('refuses bytes that are no UTF-8 instead of changing what was written', async () => {
    const latin1 = Buffer.from('{"a":"\u00e9"}', 'latin1');
    expect(await post(port, {}, latin1)).toMatchObject({ status: 400, text: 'invalid_json' });
  });

  it('gives nothing for an empty body', async () => {
    expect(JSON.parse((await post(port, {}, Buffer.alloc(0))).text)).toEqual({ sizeBytes: 0 });
  });

  it('refuses what comes on top of the bytes in flight, and lets wait what has not arrived', async () => {
    const small = new BodyReader({ maxBytes: 8, inFlightMaxBytes: 12 });
    const bodies = [1, 2, 3].map(() => new PassThrough());
    const reads = bodies.map((body) => small.readJson(arriving(body)).then(({ value }) => value, codeOf));
    bodies[0]?.write('"12345');
    bodies[1]?.write('"123');
    await new Promise(setImmediate);
    bodies[2]?.end('"ab"');
    expect(await reads[2]).toBe('overloaded');
    bodies[0]?.end('"');
    bodies[1]?.end('"');
    expect(await Promise.all(reads)).toEqual(['12345', '123', 'overloaded']);
    const next = new PassThrough();
    next.end('"12345"');
    expect(await small.readJson(arriving(next))).toMatchObject({ value: '12345' });
  });

  it('accepts exactly 8 MiB', async () => {
    const text = Buffer.from(`"${'a'.repeat(BODY_MAX_BYTES - 2)}"`);
    const answer = await post(port, {}, text);
    expect(answer.status).toBe(200);
  });

  it.each([
    ['a declared length', { 'content-length': String(BODY_MAX_BYTES + 1) }],
    ['chunks', { 'transfer-encoding': 'chunked' }],
  ])('refuses 8 MiB and a byte sent with %s, and the client sees the status', async (_how, headers) => {
    const answer = await post(port, headers, Buffer.alloc(BODY_MAX_BYTES + 1, 0x20));
    expect([answer.status, answer.text]).toEqual([400, 'body_too_large']);
  });

  it.each([
    ['{', {}, 'invalid_json'],
    ['{}', { 'content-encoding': 'gzip' }, 'unsupported_content_encoding'],
  ])('refuses %j with headers %j as %s', async (body, headers, code) => {
    const answer = await post(port, headers, Buffer.from(body));
    expect([answer.status, answer.text]).toEqual([400, code]);
  });
});
