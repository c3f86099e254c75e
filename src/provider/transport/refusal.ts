import { blameOf } from '../domain/blame.js';
import { callerFaultOf } from '../domain/caller-fault.js';
import { failureOfStatus, UpstreamFailure } from '../domain/failure.js';
import { parseJsonOrNull } from '../domain/json.js';
import type { HttpExchange } from './http-exchange.js';
import { retryAfterSOf } from './retry-after.js';

const ERROR_BYTES_MAX = 256 * 1024;

/** The words of an error come with its headers; one that is still under way after this is known by its status alone. */
const ERROR_WAIT_MS = 2_000;

/** What a vendor's error body says beyond its status; what is absent is read the usual way. */
export interface RefusalReading {
  /** The vendor's own word for it, as OpenAI would put it in `code`. */
  code?: string | null;
}

/** Reads the body of a refusal in a vendor's own form. */
export type ReadRefusal = (status: number, bodyText: string) => RefusalReading;

/**
 * Lets a success pass. What the body speaks of says whose fault a refusal is, and its status where it speaks of nothing.
 * @throws UpstreamFailure with the class of the refusal, its `Retry-After` and, for the caller's own fault, its words.
 */
export async function throwUnlessSuccess(exchange: HttpExchange, readRefusal?: ReadRefusal): Promise<void> {
  const status = exchange.statusCode;
  const usual = failureOfStatus(status);
  if (usual === null) return;
  const text = await readErrorText(exchange);
  const body = parseJsonOrNull(text) ?? text;
  const blame = blameOf(status, body);
  const failure = blame?.failure ?? usual;
  const reason = `http_${String(status)}`;
  const fault = callerFaultOf(body);
  const reading = readRefusal?.(status, text) ?? {};
  if (failure === 'caller_fault') {
    throw new UpstreamFailure(failure, reason, { status, callerFault: { ...fault, code: reading.code ?? fault.code } });
  }
  const header = (name: string): string => exchange.header(name);
  const retryAfterS = retryAfterSOf(failure, { header, body, nowMs: Date.now() });
  const retrySame = status === 500 && failure === 'endpoint_fault';
  const subject = blame?.subject ?? null;
  throw new UpstreamFailure(failure, reason, { status, retryAfterS, retrySame, subject, said: fault.message });
}

/** Where vendors want their key. */
const CREDENTIAL_HEADERS: ReadonlySet<string> = new Set(['authorization', 'x-api-key', 'x-goog-api-key', 'api-key']);

/** A shorter one is no secret, and would be cut out of ordinary words. */
const SECRET_CHARS_MIN = 4;

/**
 * A body without the key that was sent: servers quote what they refuse, and no pattern knows every key. It goes first, while it
 * is still whole.
 */
function withoutKey(text: string, sentHeaders: readonly string[]): string {
  return sentHeaders.reduce((cleaned, value, at) => {
    if (at % 2 === 0 || !CREDENTIAL_HEADERS.has(sentHeaders[at - 1]?.toLowerCase() ?? '')) return cleaned;
    const key = value.replace(/^Bearer /i, '');
    if (key.length < SECRET_CHARS_MIN) return cleaned;
    return cleaned.replaceAll(key, '[removed]').replaceAll(JSON.stringify(key).slice(1, -1), '[removed]');
  }, text);
}

/** The body of a refusal, without our key; empty when it is too long, too late or breaks off: the status is left to go by. */
async function readErrorText(exchange: HttpExchange): Promise<string> {
  const lateness = setTimeout(() => exchange.cancel(), ERROR_WAIT_MS);
  try {
    return withoutKey((await exchange.readAll(ERROR_BYTES_MAX)).toString('utf8'), exchange.sentHeaders);
  } catch (error) {
    if (error instanceof UpstreamFailure) return '';
    throw error;
  } finally {
    clearTimeout(lateness);
  }
}
