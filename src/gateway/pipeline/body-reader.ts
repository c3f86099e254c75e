import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError, type ErrorCode } from '../../platform/errors/index.js';
import { parseExactly } from './exact-json.js';

const MIB = 1024 * 1024;
export const BODY_MAX_BYTES = 8 * MIB;
/** More than any schema needs; JSON can be read much deeper than it can be written again. */
const DEPTH_MAX = 200;
const ARRIVAL_MAX_MS = 30_000;

export interface BodyLimits {
  /** Of one body. */
  maxBytes: number;
  /** Of all bodies that are being read. */
  inFlightMaxBytes: number;
  /** Numbers beyond a double stay text: the body is written again for somebody else. */
  isPassedOn?: boolean;
}

/** Bodies of model calls. */
const MODEL_CALLS: BodyLimits = { maxBytes: BODY_MAX_BYTES, inFlightMaxBytes: 256 * MIB, isPassedOn: true };

/** Bodies of everything else; they are read before anybody has been authenticated. */
export const SMALL_BODIES: BodyLimits = { maxBytes: MIB, inFlightMaxBytes: 64 * MIB };

/** Reads request bodies within bounds: each of a limited size and within 30 s, and all together of a limited size. */
export class BodyReader {
  private inFlightBytes = 0;

  constructor(private readonly limits: BodyLimits = MODEL_CALLS) {}

  /**
   * Reads and parses a JSON body.
   * @param response by which a caller that waits for it (`Expect: 100-continue`) is told to send its body.
   * @returns the value, `undefined` for an empty body, and the size in bytes.
   * @throws AppError `invalid_request` when it is too large, compressed, late, cut or not JSON; `unavailable` when the
   * gateway holds too many bodies.
   */
  async readJson(request: IncomingMessage, response?: ServerResponse): Promise<{ value: unknown; sizeBytes: number }> {
    const declaredBytes = Number(request.headers['content-length'] ?? 0);
    const { maxBytes } = this.limits;
    if (declaredBytes > maxBytes) throw tooLarge(maxBytes);
    if (!/^(identity)?$/i.test(request.headers['content-encoding'] ?? '')) {
      throw invalid('compressed request bodies are not accepted', 'unsupported_content_encoding');
    }
    if (response !== undefined) inviteBody(request, response);
    const bytes = await this.collect(request);
    return { value: parse(bytes, this.limits.isPassedOn ?? false), sizeBytes: bytes.length };
  }

  /** What has arrived counts, not what is announced: a slow or chunked body keeps nobody else's out. */
  private collect(request: IncomingMessage): Promise<Buffer> {
    const { maxBytes, inFlightMaxBytes } = this.limits;
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      const late = setTimeout(
        () => finish(invalid('the request body did not arrive in time', 'body_timeout')),
        ARRIVAL_MAX_MS,
      );
      const onData = (chunk: Buffer): void => {
        sizeBytes += chunk.length;
        this.inFlightBytes += chunk.length;
        chunks.push(chunk);
        if (sizeBytes > maxBytes) finish(tooLarge(maxBytes));
        else if (this.inFlightBytes > inFlightMaxBytes) finish(overloaded());
      };
      const onEnd = (): void => finish(null);
      const onCut = (): void => finish(invalid('the request body was cut off', 'body_incomplete'));
      const finish = (error: AppError | null): void => {
        clearTimeout(late);
        this.inFlightBytes -= sizeBytes;
        request.off('data', onData).off('end', onEnd).off('aborted', onCut).off('error', onCut);
        if (error === null)
          return resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
        request.pause();
        reject(error);
      };
      request.on('data', onData).once('end', onEnd).once('aborted', onCut).once('error', onCut);
    });
  }
}

/** Tells a caller that waits for it to send its body. */
export function inviteBody(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.expect?.toLowerCase() === '100-continue') response.writeContinue();
}

function parse(bytes: Buffer, exactly: boolean): unknown {
  if (bytes.length === 0) return undefined;
  const value = parseJson(bytes, exactly);
  if (isDeeper(value, DEPTH_MAX)) throw invalid('the request body is nested too deeply', 'invalid_json');
  return value;
}

function parseJson(bytes: Buffer, exactly: boolean): unknown {
  // A byte order mark is no part of the text (RFC 8259 §8.1).
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  try {
    // Decoding would put question marks into what somebody wrote, and nobody would know.
    if (!isUtf8(bytes)) throw new SyntaxError('it is not UTF-8');
    const text = bytes.toString('utf8', start);
    return exactly ? parseExactly(text) : JSON.parse(text);
  } catch (error) {
    throw new AppError('invalid_request', 'the request body is not valid JSON', {
      code: 'invalid_json',
      hint: 'Send one JSON object in UTF-8.',
      // It quotes the body around the fault.
      detail: String(error).replace(/\.*"[\s\S]*"\.*/, '…'),
    });
  }
}

function tooLarge(maxBytes: number): AppError {
  return new AppError('invalid_request', `the request body is larger than ${maxBytes / MIB} MiB`, {
    code: 'body_too_large',
    ...(maxBytes === BODY_MAX_BYTES ? { hint: 'Shorten the messages or send images by URL.' } : {}),
  });
}

function overloaded(): AppError {
  return new AppError('unavailable', 'too many request bodies in flight', { code: 'overloaded', retryAfterS: 1 });
}

function invalid(message: string, code: ErrorCode): AppError {
  return new AppError('invalid_request', message, { code });
}

/** Whether a value has more than `levels` levels of objects and arrays. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeper(item, levels - 1));
}
