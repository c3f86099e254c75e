import type { IncomingMessage, ServerResponse } from 'node:http';

/** In logs and records, of a call whose caller left before its end; nobody is there to be answered it. */
export const CLIENT_CLOSED_STATUS = 499;

/** A caller that has taken no byte for this long is treated as gone. */
const STALL_MAX_MS = 120_000;

/** The caller's side of one request: whether it is still there, and the answer's bytes. */
export class CallerConnection {
  private readonly leaving = new AbortController();
  private lastWriteMs = Date.now();
  /** Milliseconds that writes have waited for a caller that reads slowly. */
  waitedMs = 0;
  /** It took no byte for so long that it was cut off. */
  stalled = false;

  constructor(
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
  ) {
    response.once('close', () => {
      if (!response.writableFinished) this.leaving.abort();
    });
  }

  /** Aborted when the caller hangs up before the end of its answer. */
  get gone(): AbortSignal {
    return this.leaving.signal;
  }

  /** Whether the status line is on its way; from then on an error can only go into the stream. */
  get committed(): boolean {
    return this.response.headersSent;
  }

  /** Milliseconds since the last byte was written. */
  silenceMs(nowMs: number): number {
    return nowMs - this.lastWriteMs;
  }

  /** Sends the head of an event stream. Headers that were set before are kept. */
  openStream(headers: Record<string, string>): void {
    this.response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      ...headers,
    });
    this.lastWriteMs = Date.now();
  }

  /** Writes and, when the caller reads slowly, waits until it has caught up or has gone. */
  async write(text: string): Promise<void> {
    if (this.gone.aborted) return;
    this.lastWriteMs = Date.now();
    if (this.response.write(text)) return;
    await new Promise<void>((resolve) => {
      const stalled = setTimeout(() => {
        this.stalled = true;
        this.response.destroy();
      }, STALL_MAX_MS);
      const done = (): void => {
        clearTimeout(stalled);
        this.response.off('drain', done);
        this.response.off('close', done);
        resolve();
      };
      this.response.once('drain', done);
      this.response.once('close', done);
    });
    const nowMs = Date.now();
    this.waitedMs += nowMs - this.lastWriteMs;
    this.lastWriteMs = nowMs;
  }

  /** Writes the last bytes and ends the answer. */
  end(text = ''): void {
    if (!this.response.writableEnded) this.response.end(text);
  }
}
