/** A stage of a request that has ended. */
export interface SpanPart {
  name: string;
  startedMs: number;
  endedMs: number;
  failed: boolean;
}

/** What a trace says of a request when it has ended. Never a prompt, an answer or a key. */
export interface RequestSpanEnd {
  name: string;
  parts: readonly SpanPart[];
  attributes: Readonly<Record<string, string | number | boolean>>;
  /** Told as the error of the span; `null` when the request was served. */
  error: string | null;
  endedMs: number;
}

/** The span of one request. */
export interface RequestSpan {
  /** Begins the span of the provider call. @returns its `traceparent` (W3C), for the request to the provider. */
  beginCall(name: string): string;
  end(end: RequestSpanEnd): void;
}

/** Hands out spans, or nothing when no collector is configured. */
export interface Tracing {
  /** @param traceparent of the caller, as it was sent. @returns `null` when requests are not traced. */
  begin(startedMs: number, traceparent: string | undefined): RequestSpan | null;
  /** Exports what has ended. */
  close(): Promise<void>;
}

/** Injection token of the `Tracing`. */
export const TRACING = Symbol('TRACING');

export const NO_TRACING: Tracing = { begin: () => null, close: () => Promise.resolve() };
