import { Agent } from 'undici';
import { AddressRefusedError, guardedConnector, type Reach } from './guarded-connector.js';

const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 10_000;
/** Nothing of an answer's body is used; a longer one loses its connection. */
const ANSWER_BYTES_MAX = 16_384;
const ANSWER_WAIT_MS = 1_000;

/** Why there was no answer. No text of the network stack: it would name addresses. */
export const POST_FAULTS = [
  'timeout',
  'cancelled',
  'address_refused',
  'dns_failed',
  'connect_failed',
  'tls_failed',
  'connection_lost',
] as const;
export type PostFault = (typeof POST_FAULTS)[number];

/** A request got no answer. */
export class PostFailure extends Error {
  override readonly name = 'PostFailure';
  constructor(readonly fault: PostFault) {
    super(fault);
  }
}

export interface Post {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
  /** Longest wait for the headers of the answer, connection included. */
  timeoutMs: number;
  /** Ends it early. */
  signal?: AbortSignal;
}

const FAULT_BY_CODE: readonly (readonly [RegExp, PostFault])[] = [
  [/^(ENOTFOUND|EAI_)/, 'dns_failed'],
  [/^(UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT)$/, 'timeout'],
  [/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/, 'connect_failed'],
  [/^(ERR_TLS_|ERR_SSL_|CERT_|EPROTO|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)/, 'tls_failed'],
];

/**
 * Posts to addresses that operators give: each is checked when the connection is made, no redirect is followed, the answer's
 * body is thrown away.
 */
export class GuardedPoster {
  private readonly agent: Agent;

  constructor(reach: Reach) {
    this.agent = new Agent({
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      connect: guardedConnector(reach, CONNECT_TIMEOUT_MS),
    });
  }

  /** @returns the status of the answer. @throws PostFailure when there is none. */
  async post({ url, headers, body, timeoutMs, signal }: Post): Promise<number> {
    const late = AbortSignal.timeout(timeoutMs);
    try {
      const answer = await this.agent.request({
        origin: new URL(url).origin,
        path: pathOf(url),
        method: 'POST',
        headers: { ...headers },
        body,
        headersTimeout: 0,
        bodyTimeout: 0,
        signal: signal === undefined ? late : AbortSignal.any([late, signal]),
      });
      // The status is the answer. The body is read, behind it, only so that its connection can be used again.
      const dumped = answer.body.dump({ limit: ANSWER_BYTES_MAX, signal: AbortSignal.timeout(ANSWER_WAIT_MS) });
      dumped.catch(() => answer.body.destroy());
      return answer.statusCode;
    } catch (error) {
      throw new PostFailure(late.aborted ? 'timeout' : signal?.aborted === true ? 'cancelled' : faultOf(error));
    }
  }

  /** Cuts what still runs. */
  async close(): Promise<void> {
    await this.agent.destroy();
  }
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`;
}

function faultOf(error: unknown): PostFault {
  if (error instanceof AddressRefusedError) return 'address_refused';
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return FAULT_BY_CODE.find(([pattern]) => pattern.test(code))?.[1] ?? 'connection_lost';
}
