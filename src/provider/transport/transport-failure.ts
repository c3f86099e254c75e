import { AddressRefusedError } from '../../platform/net/index.js';
import { UpstreamFailure } from '../domain/failure.js';

/** How far an exchange had come when it broke. */
export type ExchangePhase = 'connecting' | 'waiting' | 'reading';

const CONNECT_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect_refused',
  ENOTFOUND: 'dns_failed',
  EAI_AGAIN: 'dns_failed',
  EAI_FAIL: 'dns_failed',
  EHOSTUNREACH: 'connect_unreachable',
  ENETUNREACH: 'connect_unreachable',
};

const TLS_CODES: ReadonlySet<string> = new Set([
  'EPROTO',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'HOSTNAME_MISMATCH',
]);

/** A server that was silent for longer has taken the request: sent again, it would be as silent. */
const SILENCE_MS_MAX = 2_000;

/**
 * Classifies what the socket, the resolver, TLS or the HTTP parser reported.
 * @param silentMs how long the upstream had said nothing by then.
 */
export function transportFailure(error: unknown, phase: ExchangePhase, silentMs: number): UpstreamFailure {
  if (error instanceof UpstreamFailure) return error;
  if (error instanceof AddressRefusedError) {
    return new UpstreamFailure('operator_fault', 'address_refused', { cause: error });
  }
  const code = codeOf(error);
  if (phase === 'connecting') return connectFailure(code, error);
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW') {
    return new UpstreamFailure('endpoint_fault', 'bad_http', { cause: error });
  }
  if (phase === 'reading') return new UpstreamFailure('endpoint_fault', 'cut', { cause: error });
  if (silentMs > SILENCE_MS_MAX) return new UpstreamFailure('timeout', 'reset_after_silence', { cause: error });
  return new UpstreamFailure('endpoint_fault', 'reset', { cause: error, retrySame: true });
}

function connectFailure(code: string, error: unknown): UpstreamFailure {
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') {
    return new UpstreamFailure('timeout', 'timeout_connect', { cause: error });
  }
  const isTls = TLS_CODES.has(code) || /^(ERR_TLS_|ERR_SSL_|CERT_)/.test(code);
  const reason = isTls ? 'tls_failed' : (CONNECT_REASONS[code] ?? 'connect_failed');
  return new UpstreamFailure('endpoint_fault', reason, { cause: error });
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
