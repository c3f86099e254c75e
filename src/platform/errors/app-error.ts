import type { ErrorCode } from './error-codes.js';

/**
 * The one error family. `kind` decides the status (one table per door), `code` is stable and documented in
 * docs/errors.md, `message` may be shown to the caller, `detail` never leaves the logs and the operator's explanation.
 */
export type ErrorKind =
  | 'invalid_request'
  | 'missing_api_key'
  | 'insufficient_quota'
  | 'invalid_api_key'
  | 'policy_rejected'
  | 'not_found'
  | 'model_not_found'
  | 'method_not_allowed'
  | 'conflict'
  | 'precondition_failed'
  | 'unprocessable'
  | 'unauthorized'
  | 'forbidden'
  | 'rate_limited'
  | 'stream_error'
  | 'internal'
  | 'routing'
  | 'upstream_failed'
  | 'unavailable'
  | 'deadline';

export interface AppErrorOptions {
  /** Stable machine-readable code, listed in docs/errors.md; `null` where OpenAI sends `null`. */
  code?: ErrorCode | null;
  /** An upstream's own word for a caller's fault; used when `code` is absent. */
  upstreamCode?: string | null;
  /** JSON path of the offending field, e.g. `messages` or `temperature`. */
  param?: string;
  /** What the caller can do about it, one sentence. */
  hint?: string;
  /** For logs and the operator only: may name hosts, rows and causes, never secrets. */
  detail?: string;
  /** Sent as `Retry-After`. */
  retryAfterS?: number;
  /** Value of the `Allow` header. */
  allow?: string;
  /** What logs and explanations say in place of a message that may repeat what the caller has said. */
  keptMessage?: string;
  /** Facts for the explanation of the request. */
  facts?: Record<string, unknown>;
  cause?: unknown;
}

export class AppError extends Error {
  override readonly name = 'AppError';
  readonly kind: ErrorKind;
  readonly code: string | null;
  readonly param: string | undefined;
  readonly hint: string | undefined;
  readonly detail: string | undefined;
  /** The message as it may be kept. */
  readonly keptMessage: string;
  readonly retryAfterS: number | undefined;
  readonly allow: string | undefined;
  readonly facts: Record<string, unknown> | undefined;

  constructor(kind: ErrorKind, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.code = options.code ?? options.upstreamCode ?? null;
    this.param = options.param;
    this.hint = options.hint;
    this.detail = options.detail;
    this.keptMessage = options.keptMessage ?? message;
    this.retryAfterS = options.retryAfterS;
    this.allow = options.allow;
    this.facts = options.facts;
  }
}
