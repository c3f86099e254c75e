import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError, type ErrorCode } from '../../platform/errors/index.js';
import { JsonBoundsError, readJson, type JsonBounds } from '../../platform/json/index.js';

const MIB = 1024 * 1024;
export const BODY_MAX_BYTES = 8 * MIB;
/**
 * Far above what agents send (hundreds of tools, thousands of messages), and little enough for every step that walks a body. JSON can
 * be read much deeper than it can be written again. ADR 21 has the figures.
 */
const BODY_BOUNDS: JsonBounds = { depth: 200, members: 131_072, names: 16_384, values: 524_288 };
const ARRIVAL_MAX_MS = 30_000;

export interface BodyLimits {
  /** Of one body. */
  maxBytes: number;
  /** Of all bodies that are being read and parsed. */
  inFlightMaxBytes: number;
  /** Numbers beyond a double stay text: the body is written again for somebody else. */
  isPassedOn?: boolean;
}

/** Bodies of model calls. */
const MODEL_CALLS: BodyLimits = { maxBytes: BODY_MAX_BYTES, inFlightMaxBytes: 256 * MIB, isPassedOn: true };

/** Bodies of everything else. */
export const SMALL_BODIES: BodyLimits = { maxBytes: MIB, inFlightMaxBytes: 64 * MIB };

/** Reads request bodies within bounds: each of a limited size and within 30 s, and all together of a limited size. */
export class BodyReader {
  private inFlightBytes = 0;

  constructor(private readonly limits: BodyLimits = MODEL_CALLS) {}

  /**
   * Reads and parses a JSON body.
   * @param response by which a caller that waits for it (`Expect: 100-continue`) is told to send its body.
   * @returns the value, `undefined` for an empty body, and the size in bytes.
   * @throws AppError `invalid_request` when it is too large, too complex, compressed, late, cut or not JSON; `unavailable` when
   * the gateway holds too many bodies.
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
    try {
      const value = bytes.length === 0 ? undefined : await parseJson(bytes, this.limits.isPassedOn ?? false);
      return { value, sizeBytes: bytes.length };
    } finally {
      this.inFlightBytes -= bytes.length;
    }
  }

  /**
   * What has arrived counts, not what is announced: a slow or chunked body keeps nobody else's out. The caller takes the bytes of a
   * whole body out of the count.
   */
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
        request.off('data', onData).off('end', onEnd).off('aborted', onCut).off('error', onCut);
        if (error === null)
          return resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
        this.inFlightBytes -= sizeBytes;
        request.pause();
        reject(error);
      };
      request.on('data', onData).once('end', onEnd).once('aborted', onCut).once('error', onCut);
    });
  }
}

/** Tells a caller that waits for it to send its body. */
function inviteBody(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.expect?.toLowerCase() === '100-continue') response.writeContinue();
}

async function parseJson(bytes: Buffer, isExact: boolean): Promise<unknown> {
  try {
    // Decoding would put question marks into what somebody wrote, and nobody would know.
    if (!isUtf8(bytes)) throw new SyntaxError('it is not UTF-8');
    return await readJson(bytes, { bounds: BODY_BOUNDS, isExact });
  } catch (error) {
    if (error instanceof JsonBoundsError) throw tooComplex(error);
    throw new AppError('invalid_request', 'the request body is not valid JSON', {
      code: 'invalid_json',
      hint: 'Send one JSON object in UTF-8.',
      // It quotes the body around the fault.
      detail: String(error).replace(/\.*"[\s\S]*"\.*/, '…'),
    });
  }
}

const BOUND_WORDS: Readonly<Record<JsonBoundsError['bound'], string>> = {
  depth: 'levels',
  members: 'members of objects',
  names: 'different member names',
  values: 'values',
  number: 'characters in a number',
};

function tooComplex({ bound, max }: JsonBoundsError): AppError {
  return new AppError('invalid_request', `the request body has more than ${max} ${BOUND_WORDS[bound]}`, {
    code: 'body_too_complex',
    hint: 'Send long data as text, and fewer or simpler tools.',
  });
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
