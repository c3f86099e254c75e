import { Readable } from 'node:stream';
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
  type ZlibOptions,
} from 'node:zlib';
import { UpstreamFailure } from '../domain/failure.js';

/** More of a body that has come, or `null` at its end. */
export type ReadBytes = () => Promise<Buffer[] | null>;

/** Enough to tell text from every encoding. */
const SNIFFED_BYTES = 16;

/** A stream that is compressed is flushed now and then, and may be cut: what has come by then is read. */
const LENIENT: ZlibOptions = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };

const PLAIN = /^(?:\s*|identity)$/;

/** Whether the first bytes of a body are compressed by gzip, whatever its headers say: no text begins like this. */
export function looksZipped(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && (bytes.length === 1 || bytes[1] === 0x8b);
}

/** Whether a `content-encoding` says that nothing was done to the body. */
export function isPlainEncoding(encoding: string): boolean {
  return PLAIN.test(encoding.toLowerCase());
}

/**
 * Reads a body that says it is compressed, although the gateway did not ask for that. Nothing is inflated before it is asked for: a small body
 * that stands for gigabytes waits as a small one. A body that is plain in spite of its label is passed on as it is.
 * @param encoding `content-encoding` of the answer.
 * @returns a reader of the plain bytes; it throws UpstreamFailure `encoded_answer` when they cannot be had.
 */
export function readDecoded(encoding: string, source: ReadBytes): ReadBytes {
  let opened: Promise<AsyncIterator<Buffer, void>> | null = null;
  return async () => {
    opened ??= open(encoding, source);
    const next = await (await opened).next();
    return next.done === true ? null : [next.value];
  };
}

async function open(encoding: string, source: ReadBytes): Promise<AsyncIterator<Buffer, void>> {
  const first = await readFirst(source);
  const bytes = bytesOf(first, source);
  const decoder = decoderOf(encoding.trim().toLowerCase(), first);
  return decoder === null ? bytes : decoded(bytes, decoder);
}

/** The beginning of a body, long enough to look at; the whole of a shorter one. */
async function readFirst(source: ReadBytes): Promise<Buffer> {
  let first = Buffer.alloc(0);
  while (first.length < SNIFFED_BYTES) {
    const more = await source();
    if (more === null) break;
    first = Buffer.concat([first, ...more]);
  }
  return first;
}

async function* bytesOf(first: Buffer, source: ReadBytes): AsyncGenerator<Buffer, void> {
  if (first.length > 0) yield first;
  for (let more = await source(); more !== null; more = await source()) yield* more;
}

async function* decoded(bytes: AsyncIterable<Buffer>, decoder: NodeJS.ReadWriteStream): AsyncGenerator<Buffer, void> {
  const broken: Error[] = [];
  const source = Readable.from(bytes, { objectMode: false });
  source.once('error', (error: Error) => {
    broken.push(error);
    (decoder as unknown as Readable).destroy(error);
  });
  source.pipe(decoder);
  try {
    for await (const piece of decoder as AsyncIterable<Buffer>) yield piece;
  } catch (error) {
    throw broken[0] ?? new UpstreamFailure('endpoint_fault', 'encoded_answer', { cause: error });
  } finally {
    source.destroy();
  }
}

/** @returns `null` for a body that is plain already. */
function decoderOf(encoding: string, first: Buffer): NodeJS.ReadWriteStream | null {
  if (looksZipped(first)) return createGunzip(LENIENT);
  if (first.length === 0 || isText(first)) return null;
  switch (encoding) {
    case 'deflate':
      // The name stands for two formats.
      return isZlib(first) ? createInflate(LENIENT) : createInflateRaw(LENIENT);
    case 'br':
      return createBrotliDecompress({
        flush: constants.BROTLI_OPERATION_FLUSH,
        finishFlush: constants.BROTLI_OPERATION_FLUSH,
      });
    case 'zstd':
      return createZstdDecompress({ finishFlush: constants.ZSTD_e_flush });
    default:
      throw new UpstreamFailure('endpoint_fault', 'encoded_answer');
  }
}

function isZlib(bytes: Buffer): boolean {
  const [method = 0, flags = 0] = bytes;
  return (method & 0x0f) === 8 && ((method << 8) | flags) % 31 === 0;
}

/** Characters that do not occur in text, and bytes that are not a character. */
const NO_TEXT = /[\u0000-\u0008\u000e-\u001f\ufffd]/;

/** Whether a body begins with characters, the last of which may be cut: a compressed one does not. */
function isText(bytes: Buffer): boolean {
  return !NO_TEXT.test(bytes.toString('utf8', 0, SNIFFED_BYTES).replace(/\ufffd{1,3}$/, ''));
}
