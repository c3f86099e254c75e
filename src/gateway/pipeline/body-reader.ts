import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { AppError, type ErrorCode } from '../../platform/errors/index.js';

export const BODY_MAX_BYTES = 8 * 1024 * 1024;
/** More than any schema needs; JSON can be read much deeper than it can be written again. */
const DEPTH_MAX = 200;
const ARRIVAL_MAX_MS = 30_000;
const IN_FLIGHT_MAX_BYTES = 256 * 1024 * 1024;

/** Reads request bodies within bounds: each at most 8 MiB and 30 s, all together at most 256 MiB. */
@Injectable()
export class BodyReader {
  private inFlightBytes = 0;

  /**
   * Reads and parses a JSON body.
   * @returns the value and the size in bytes.
   * @throws AppError `invalid_request` when it is too large, compressed, late, cut or not JSON; `unavailable` when the
   * gateway holds too many bodies.
   */
  async readJson(request: IncomingMessage): Promise<{ value: unknown; sizeBytes: number }> {
    const declaredBytes = Number(request.headers['content-length'] ?? 0);
    if (declaredBytes > BODY_MAX_BYTES) throw tooLarge();
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity') {
      throw invalid('compressed request bodies are not accepted', 'unsupported_content_encoding');
    }
    const reservedBytes = declaredBytes > 0 ? declaredBytes : BODY_MAX_BYTES;
    if (this.inFlightBytes + reservedBytes > IN_FLIGHT_MAX_BYTES) {
      throw new AppError('unavailable', 'too many request bodies in flight', { code: 'overloaded', retryAfterS: 1 });
    }
    this.inFlightBytes += reservedBytes;
    try {
      const bytes = await collect(request);
      return { value: parse(bytes), sizeBytes: bytes.length };
    } finally {
      this.inFlightBytes -= reservedBytes;
    }
  }
}

function collect(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    const late = setTimeout(
      () => finish(invalid('the request body did not arrive in time', 'body_timeout')),
      ARRIVAL_MAX_MS,
    );
    const onData = (chunk: Buffer): void => {
      sizeBytes += chunk.length;
      if (sizeBytes > BODY_MAX_BYTES) finish(tooLarge());
      else chunks.push(chunk);
    };
    const onEnd = (): void => finish(null);
    const onCut = (): void => finish(invalid('the request body was cut off', 'body_incomplete'));
    const finish = (error: AppError | null): void => {
      clearTimeout(late);
      request.off('data', onData).off('end', onEnd).off('aborted', onCut).off('error', onCut);
      if (error === null)
        return resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
      request.pause();
      reject(error);
    };
    request.on('data', onData).once('end', onEnd).once('aborted', onCut).once('error', onCut);
  });
}

function parse(bytes: Buffer): unknown {
  if (bytes.length === 0) throw invalid('the request body is empty', 'body_empty');
  const value = parseJson(bytes);
  if (isDeeper(value, DEPTH_MAX)) throw invalid('the request body is nested too deeply', 'invalid_json');
  return value;
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new AppError('invalid_request', 'the request body is not valid JSON', {
      code: 'invalid_json',
      hint: 'Send one JSON object in UTF-8.',
      detail: String(error),
    });
  }
}

function tooLarge(): AppError {
  return new AppError('invalid_request', 'the request body is larger than 8 MiB', {
    code: 'body_too_large',
    hint: 'Shorten the messages or send images by URL.',
  });
}

function invalid(message: string, code: ErrorCode): AppError {
  return new AppError('invalid_request', message, { code });
}

/** Whether a value has more than `levels` levels of objects and arrays. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeper(item, levels - 1));
}
