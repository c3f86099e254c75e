import type { FailureClass } from './call.js';
import { saysIncapable, type BlamedSubject } from './blame.js';
import { saysContextLength } from './context-length.js';

/** What the upstream said about a request that it refused as the caller's fault; already cleaned for the caller. */
export interface CallerFault {
  message: string;
  code: string | null;
  param: string | null;
}

export interface UpstreamFailureOptions {
  /** HTTP status of the upstream, when it answered. */
  status?: number | null;
  /** Seconds after which the upstream asked to be called again. */
  retryAfterS?: number | null;
  callerFault?: CallerFault;
  /** What a refusal speaks of, where that is the operator's to mend. */
  subject?: BlamedSubject | null;
  /** The upstream's words about the operator's fault, cleaned: for operators, never for callers. */
  said?: string | null;
  /** The same endpoint is likely to serve a second try: the request never reached it, or it failed once by chance. */
  retrySame?: boolean;
  cause?: unknown;
}

/** The reason of a request that an adapter cannot put into its vendor's words. */
export const UNSUPPORTED = 'unsupported';

/** The reason of a provider that answers the question for its models with something else. */
export const NO_MODEL_LIST = 'no_model_list';

/** A shorter one is no secret, and would be cut out of ordinary words. */
const SECRET_CHARS_MIN = 4;

/**
 * Why one attempt at one endpoint failed. Internal to this module: the caller of `ProviderService.call` sees an
 * `AppError`, and this as an `Attempt`. `reason` is short and stable, without hosts, addresses or keys.
 */
export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure';
  readonly status: number | null;
  readonly retryAfterS: number | null;
  readonly callerFault: CallerFault | null;
  readonly retrySame: boolean;
  readonly subject: BlamedSubject | null;
  readonly said: string | null;

  constructor(
    readonly failure: FailureClass,
    readonly reason: string,
    options: UpstreamFailureOptions = {},
  ) {
    super(reason, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = options.status ?? null;
    this.retryAfterS = options.retryAfterS ?? null;
    this.callerFault = options.callerFault ?? null;
    this.retrySame = options.retrySame ?? false;
    this.subject = options.subject ?? null;
    this.said = options.said ?? null;
  }

  /** This failure without a secret in the upstream's words: servers quote the key that they refuse. */
  without(secret: string | null): UpstreamFailure {
    const { failure, reason, status, retryAfterS, retrySame, cause, subject, callerFault: fault } = this;
    if (secret === null || secret.length < SECRET_CHARS_MIN) return this;
    const isQuoted = (text: string | null | undefined): boolean => text?.includes(secret) === true;
    if (![this.said, fault?.message, fault?.code, fault?.param].some(isQuoted)) return this;
    const said = this.said?.replaceAll(secret, '[removed]') ?? null;
    const options = { status, retryAfterS, retrySame, cause, subject, said };
    if (fault === null) return new UpstreamFailure(failure, reason, options);
    const callerFault = {
      message: fault.message.replaceAll(secret, '[removed]'),
      code: isQuoted(fault.code) ? null : fault.code,
      param: isQuoted(fault.param) ? null : fault.param,
    };
    return new UpstreamFailure(failure, reason, { ...options, callerFault });
  }

  /** The adapter has no word for a field of the request, and sent nothing; another adapter may have one. */
  get isUnsupported(): boolean {
    return this.reason === UNSUPPORTED;
  }

  /** The upstream cannot do what was asked; an endpoint of another provider may. */
  get isIncapable(): boolean {
    const { callerFault } = this;
    return callerFault !== null && !this.isContextLength && saysIncapable(callerFault.code, callerFault.message);
  }

  /** The prompt does not fit here; an endpoint or a model with a larger context may take it. */
  get isContextLength(): boolean {
    return this.callerFault !== null && saysContextLength(this.callerFault.code, this.callerFault.message);
  }
}

/** The class of an upstream's refusal by status; contract §2.3, last paragraph. `null` for a success. */
export function failureOfStatus(status: number): FailureClass | null {
  if (status >= 200 && status < 300) return null;
  if (status === 400 || status === 413 || status === 422) return 'caller_fault';
  if (status === 429) return 'rate_limited';
  // 408 and 425 say "not now" about the endpoint; every other 3xx and 4xx is a wrong key, name or address of ours.
  if (status === 408 || status === 425 || status >= 500) return 'endpoint_fault';
  return 'operator_fault';
}

/** Failures that say something about the endpoint's health. */
export function countsAgainstEndpoint(failure: FailureClass): boolean {
  return failure === 'endpoint_fault' || failure === 'timeout';
}

/** Faults of the connection: no request can be their cause. */
const CONNECTION_FAULTS: ReadonlySet<string> = new Set([
  'connect_refused',
  'connect_unreachable',
  'connect_failed',
  'dns_failed',
  'tls_failed',
  'timeout_connect',
]);

/**
 * Whether a request may have provoked a fault, by what it says or how long its answer takes. A stream is accepted with its headers,
 * so their absence is the endpoint's own fault; a whole answer has none before it is ready.
 */
export function mayFollowRequest(reason: string, isStream: boolean): boolean {
  return !CONNECTION_FAULTS.has(reason) && !(isStream && reason === 'timeout_headers');
}
