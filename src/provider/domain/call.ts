import type { Endpoint } from './endpoint.js';

/** Tokens in disjoint buckets: `inputTokens` excludes both cached ones. Non-negative integers. */
export interface TokenUsage {
  inputTokens: number;
  outputTokens: number;
  /** Read from the provider's prompt cache. */
  cachedInputTokens: number;
  /** Written to the provider's prompt cache. */
  cachedOutputTokens: number;
}

/** Who broke a call and what may be done about it. */
export type FailureClass =
  'caller_fault' | 'operator_fault' | 'rate_limited' | 'endpoint_fault' | 'timeout' | 'caller_gone' | 'breaker_open';

/** One try at one endpoint, in order; shown in the explanation and, as `provider=reason`, in `X-DAOE-Failover`. */
export interface Attempt {
  endpointId: string;
  provider: string;
  upstreamModel: string;
  /** HTTP status of the upstream, when it answered. */
  status: number | null;
  durationMs: number;
  /** `null` when the attempt served the answer. */
  failure: FailureClass | null;
  /** Short reason for the header, e.g. `timeout_headers`, `http_503`, `connect_refused`; no hosts, no keys. */
  reason: string | null;
  /** What it used at its provider, when it wrote output that another attempt had to go on with or write again. */
  usage?: TokenUsage;
  /** What the provider asks for that usage, micro-USD. */
  costUsdMicros?: string;
  /** Unreadable chunks of its stream that were left out; absent when there were none. */
  lostChunks?: number;
}

export interface UpstreamRequest {
  /** Gateway request id. */
  requestId: string;
  /** The account that pays: faults that follow its requests alone are held against it alone. */
  callerId: string;
  /** Endpoints of the chosen model in order of trial. */
  endpoints: readonly Endpoint[];
  /** Endpoints of other models that may only rescue a broken stream, in order. Empty unless `STREAM_RESCUE=any`. */
  rescueEndpoints: readonly Endpoint[];
  /** Attempts at an earlier choice of model; they come first in the record and leave this one all its own. */
  earlierAttempts?: readonly Attempt[];
  /** The caller's body, parsed, without gateway-only fields. The adapter sets `model` and `stream_options`. */
  body: Readonly<Record<string, unknown>>;
  stream: boolean;
  /** Aborted when the caller hangs up (for `drain` endpoints the gateway does not abort). */
  signal: AbortSignal;
  /** W3C trace context to send along; `null` when requests are not traced. */
  traceparent?: string | null;
}

/** One server-sent event of the answer. */
export interface StreamEvent {
  /** The JSON text of the `data:` line, unchanged from the provider. Never empty and never `[DONE]`. */
  data: string;
  /** Characters of output text in it, of every channel (content, refusal, reasoning, tool arguments, …). 0 for role and usage chunks. */
  outputChars: number;
  /** The same in bytes of UTF-8: closer to tokens in every script, for metering. */
  outputBytes: number;
  /** Tokens of output in it that is not text; see `DeliveredOutput`. */
  dataTokens: number;
  /** It carries only usage (empty `choices`): kept from a caller that did not ask for usage. */
  usageOnly: boolean;
}

/** Output as the gateway itself can count it. */
export interface DeliveredOutput {
  /** Everything that is text, of every channel. */
  text: string;
  /** Tokens of pictures, sound and sealed thoughts, estimated by kind; a fraction where they come in pieces. */
  dataTokens: number;
}

export interface Rescue {
  from: string;
  to: string;
  /** Characters that had been delivered when the stream broke. */
  afterChars: number;
}

/** What is known when a call has ended, however it ended. */
export interface CallSummary {
  /** Provider's own count, normalised; `null` when it sent none. */
  usage: TokenUsage | null;
  /** That count in the provider's words; `null` where they do not say the same, as after a rescue by prefill. */
  reportedUsage: Readonly<Record<string, unknown>> | null;
  /** What the attempt that served the last part used, where that differs from `usage`; earlier ones say it in `attempts`. */
  servedUsage: TokenUsage | null;
  /** Output tokens, over all choices, that the provider reports and the answer has not shown. */
  hiddenTokens: number;
  /** Endpoint that served (the last part of) the answer. */
  endpoint: Endpoint;
  attempts: readonly Attempt[];
  rescued: Rescue | null;
  /** The provider finished the answer (finish reason and, for streams, its end marker). */
  complete: boolean;
  /** Why the answer ended, as the provider says; of several choices, the last one. */
  finishReason: string | null;
  firstTokenMs: number | null;
  durationMs: number;
}

export interface JsonAnswer {
  kind: 'json';
  endpoint: Endpoint;
  attempts: readonly Attempt[];
  body: Record<string, unknown>;
  summary: CallSummary;
}

export interface StreamAnswer {
  kind: 'stream';
  endpoint: Endpoint;
  attempts: readonly Attempt[];
  /**
   * Events grouped as they arrived, one array a network read; the first group is there when the call returns and holds
   * the first content. Pulling slowly slows the upstream. Throws `AppError` when the stream breaks and cannot be rescued;
   * `return()` cancels the upstream.
   */
  events: AsyncIterable<readonly StreamEvent[]>;
  /** Valid at any time; final after `events` has ended. */
  summary(): CallSummary;
  /** The output delivered so far (all `data` events yielded), for counting tokens when the provider sent no usage. */
  delivered(): DeliveredOutput;
  /** Indexes of the choices whose finish reason is among the events so far. */
  finishedChoices(): ReadonlySet<unknown>;
}

export type ProviderAnswer = JsonAnswer | StreamAnswer;
