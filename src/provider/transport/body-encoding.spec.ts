import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { UpstreamFailure } from '../domain/failure.js';
import { readDecoded } from './body-encoding.js';

/** Reads all of a body that comes in pieces of a size. */
async function read(encoding: string, body: Buffer, size = body.length): Promise<string> {
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) pieces.push(body.subarray(at, at + size));
  const next = readDecoded(encoding, () => Promise.resolve(pieces.length === 0 ? null : [pieces.shift() as Buffer]));
  const parts: Buffer[] = [];
  for (let more = await next(); more !== null; more = await next()) parts.push(...more);
  return Buffer.concat(parts).toString('utf8');
}

const TEXT = `{"text":"Grüße 你好 ${'x'.repeat(100)}"}`;

describe('a body that was compressed although nobody asked for it', () => {
  it.each<[string, Buffer]>([
    ['gzip', gzipSync(TEXT)],
    ['x-gzip', gzipSync(TEXT)],
    ['deflate', deflateSync(TEXT)],
    ['deflate', deflateRawSync(TEXT)],
    ['br', brotliCompressSync(TEXT)],
    ['zstd', zstdCompressSync(TEXT)],
  ])('%s is read, however it is cut', async (encoding, body) => {
    for (const size of [body.length, 7, 1]) expect(await read(encoding, body, size)).toBe(TEXT);
  });

  it.each(['gzip', 'deflate', 'br', 'zstd', 'compress'])('labelled %s but plain is passed on', async (encoding) => {
    for (const text of [TEXT, 'data: {"a":1}\n\n', '\ufeff{"a":"x"}', '{}  ']) {
      expect(await read(encoding, Buffer.from(text))).toBe(text);
      expect(await read(encoding, Buffer.from(text), 1)).toBe(text);
    }
    expect(await read(encoding, Buffer.alloc(0))).toBe('');
  });

  it('is read as far as it has come when it is cut', async () => {
    const body = gzipSync(TEXT.repeat(50));
    expect(TEXT.repeat(50)).toContain(await read('gzip', body.subarray(0, body.length - 12)));
  });

  it.each<[string, Buffer]>([
    ['compress', gzipSync(TEXT).subarray(3)],
    ['gzip', Buffer.concat([gzipSync(TEXT).subarray(0, 10), Buffer.alloc(40, 0x07)])],
  ])('%s that cannot be read is a fault of the endpoint', async (encoding, body) => {
    await expect(read(encoding, body)).rejects.toMatchObject({ failure: 'endpoint_fault', reason: 'encoded_answer' });
  });

  it('says why its source broke', async () => {
    const failure = new UpstreamFailure('endpoint_fault', 'cut');
    const pieces = [gzipSync(TEXT).subarray(0, 30)];
    const next = readDecoded('gzip', () =>
      pieces.length === 0 ? Promise.reject(failure) : Promise.resolve([pieces.shift() as Buffer]),
    );
    const readAll = async (): Promise<void> => {
      while ((await next()) !== null);
    };
    await expect(readAll()).rejects.toBe(failure);
  });

  it('is inflated no faster than it is read: a bomb stays small', async () => {
    const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024));
    const pieces = [bomb];
    const next = readDecoded('gzip', () => Promise.resolve(pieces.length === 0 ? null : [pieces.shift() as Buffer]));
    const before = process.memoryUsage().arrayBuffers;
    let bytes = 0;
    for (let piece = 0; piece < 8; piece += 1) for (const part of (await next()) ?? []) bytes += part.length;
    expect(bytes).toBeLessThan(2 * 1024 * 1024);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  });
});
