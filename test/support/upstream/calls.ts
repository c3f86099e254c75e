import type { IncomingHttpHeaders } from 'node:http';

const CALLS_MAX = 2000;
const BODY_KEPT_CHARS = 1_048_576;

/** What the upstream saw of one call. Times are milliseconds since the epoch, with fractions. */
export interface Call {
  id: number;
  path: string;
  /** Query with its question mark, or empty. */
  search: string;
  model: string;
  headers: IncomingHttpHeaders;
  /** The body as received; only the first MiB of a larger one. */
  body: string;
  bodyBytes: number;
  startedAtMs: number;
  /** Status sent; `null` while there is none. */
  status: number | null;
  /** Bytes of the answer handed to the socket so far; stands still while the reader is slow. */
  bytesWritten: number;
  /** When the client closed before the answer had ended. */
  hungUpAtMs: number | null;
  /** When the answer had been sent to the end. */
  endedAtMs: number | null;
}

/** The latest calls, oldest first; older ones are dropped. */
export class CallLog {
  private calls: Call[] = [];
  private lastId = 0;

  constructor(private readonly recording: boolean) {}

  begin({ pathname, search }: URL, model: string, headers: IncomingHttpHeaders, body: string): Call {
    const call: Call = {
      id: ++this.lastId,
      path: pathname,
      search,
      model,
      headers,
      body: body.length > BODY_KEPT_CHARS ? body.slice(0, BODY_KEPT_CHARS) : body,
      bodyBytes: Buffer.byteLength(body),
      startedAtMs: nowMs(),
      status: null,
      bytesWritten: 0,
      hungUpAtMs: null,
      endedAtMs: null,
    };
    if (!this.recording) return call;
    this.calls.push(call);
    if (this.calls.length > CALLS_MAX) this.calls = this.calls.slice(-CALLS_MAX / 2);
    return call;
  }

  /** Calls whose body contains a text and whose model has a name; empty arguments match everything. */
  find(contains: string, model: string): Call[] {
    return this.calls.filter((call) => call.body.includes(contains) && (model === '' || call.model === model));
  }

  clear(): void {
    this.calls = [];
  }
}

/** Wall clock with fractions, comparable between processes of one machine. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
