import type { Dispatcher } from 'undici';
import { TimeSlices } from '../../platform/json/index.js';
import type { AttemptWatch } from '../attempt/attempt-watch.js';
import { UpstreamFailure } from '../domain/failure.js';
import { isPlainEncoding, looksZipped, readDecoded, type ReadBytes } from './body-encoding.js';
import { transportFailure, type ExchangePhase } from './transport-failure.js';

export interface ExchangeRequest {
  method: 'GET' | 'POST';
  path: string;
  /** Names and values in turn. */
  headers: string[];
  body: string | null;
}

/** Largest whole answer; a gigabyte of it would end the process. */
export const ANSWER_BYTES_MAX = 32 * 1024 * 1024;

/** A longer body is encoded in a turn of the event loop of its own: to write it took one, too. */
const LARGE_BODY_CHARS = 1024 * 1024;

/** Unread bytes above which the socket is paused; what the kernel then holds back reaches the upstream as back-pressure. */
const UNREAD_BYTES_MAX = 64 * 1024;

/** How long an answer that is complete for us may take to end by itself, so that its connection can be used again. */
const LINGER_MS = 500;

type Waiter = { resolve: (chunks: Buffer[] | null) => void; reject: (error: Error) => void };

/** One HTTP request and its answer, read by pulling. Bytes are read from the socket only when they are asked for. */
export class HttpExchange implements Dispatcher.DispatchHandler {
  statusCode = 0;
  headers: Readonly<Record<string, string | string[] | undefined>> = {};
  private controller: Dispatcher.DispatchController | null = null;
  private phase: ExchangePhase = 'connecting';
  private sentAtMs = 0;
  private opening: { resolve: () => void; reject: (error: Error) => void } | null = null;
  private waiter: Waiter | null = null;
  private unread: Buffer[] = [];
  private unreadBytes = 0;
  private ended = false;
  private discarding = false;
  private failure: Error | null = null;
  /** How the body is read; `null` until its beginning is known. */
  private reading: ReadBytes | null = null;

  private constructor(
    private readonly watch: AttemptWatch,
    /** Names and values in turn. */
    readonly sentHeaders: readonly string[],
  ) {}

  /**
   * Sends a request and waits for the headers of its answer, whatever their status.
   * @throws UpstreamFailure when there are none; the reason of the watch when it ended the attempt.
   */
  static async open(pool: Dispatcher, request: ExchangeRequest, watch: AttemptWatch): Promise<HttpExchange> {
    if (request.body !== null && request.body.length > LARGE_BODY_CHARS) await new TimeSlices().next();
    const exchange = new HttpExchange(watch, request.headers);
    watch.enter('connect');
    if (watch.traceparent !== null) request.headers.push('traceparent', watch.traceparent);
    await new Promise<void>((resolve, reject) => {
      exchange.opening = { resolve, reject };
      watch.onCancel((reason) => exchange.abort(reason));
      if (exchange.failure !== null) return;
      // The watch keeps the time; undici's own timers are coarse and know nothing of phases.
      pool.dispatch({ ...request, headersTimeout: 0, bodyTimeout: 0 }, exchange);
    });
    return exchange;
  }

  /** The value of a header that is sent once, in lower case name; empty when absent. */
  header(name: string): string {
    const value = this.headers[name];
    return (Array.isArray(value) ? value[0] : value) ?? '';
  }

  /**
   * All bytes that have arrived since the last call, waiting for some when there are none; inflated if the upstream compressed them.
   * @returns `null` at the end of the answer.
   * @throws UpstreamFailure when the connection breaks, after what had arrived was read, or when the bytes cannot be inflated.
   */
  read(): Promise<Buffer[] | null> {
    return this.reading === null ? this.readFirst() : this.reading();
  }

  /** Most bodies are plain: they are looked at once. */
  private async readFirst(): Promise<Buffer[] | null> {
    const readSent = (): Promise<Buffer[] | null> => this.readSent();
    const encoding = this.header('content-encoding');
    const first = isPlainEncoding(encoding) ? await this.readSent() : null;
    if (first !== null && !looksZipped(first[0] ?? Buffer.alloc(0))) this.reading = readSent;
    else if (isPlainEncoding(encoding) && first === null) return null;
    else this.reading = readDecoded(encoding, withFirst(first, readSent));
    return this.reading === readSent ? first : this.reading();
  }

  /** The bytes as they were sent. */
  private readSent(): Promise<Buffer[] | null> {
    if (this.unread.length > 0) return Promise.resolve(this.takeUnread());
    if (this.failure !== null) return Promise.reject(this.failure);
    if (this.ended) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      this.waiter = { resolve, reject };
      // Delivers what the parser holds before it returns: the waiter must be there by then.
      if (this.controller?.paused === true) this.controller.resume();
    });
  }

  /**
   * The rest of the body.
   * @throws UpstreamFailure `answer_too_large` above `bytesMax`.
   */
  async readAll(bytesMax: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for (;;) {
      this.watch.enter('idle');
      const read = await this.read();
      if (read === null)
        return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, bytes);
      for (const chunk of read) {
        bytes += chunk.length;
        chunks.push(chunk);
      }
      if (bytes > bytesMax) {
        this.cancel();
        throw new UpstreamFailure('endpoint_fault', 'answer_too_large', { status: this.statusCode });
      }
    }
  }

  /** Nothing more is wanted: an answer that ends soon keeps its connection, any other is cut off. */
  finish(): void {
    if (this.ended || this.failure !== null) return;
    this.discarding = true;
    this.takeUnread();
    this.controller?.resume();
    setTimeout(() => this.cancel(), LINGER_MS).unref();
  }

  /** Ends the exchange at once; the upstream sees its connection close. */
  cancel(): void {
    this.abort(new UpstreamFailure('endpoint_fault', 'cancelled'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.failure !== null) return controller.abort(this.failure);
    this.phase = 'waiting';
    this.sentAtMs = performance.now();
    this.watch.enter('headers');
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (statusCode < 200) return;
    this.statusCode = statusCode;
    this.headers = headers;
    this.phase = 'reading';
    this.opening?.resolve();
    this.opening = null;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.discarding) return;
    this.watch.arrived();
    this.unread.push(chunk);
    this.unreadBytes += chunk.length;
    if (this.waiter !== null) {
      // Resolved now, taken when the microtask runs: all pieces of this network read travel together.
      const { resolve } = this.waiter;
      this.waiter = null;
      queueMicrotask(() => resolve(this.takeUnread()));
    } else if (this.unreadBytes > UNREAD_BYTES_MAX) {
      controller.pause();
    }
  }

  onResponseEnd(): void {
    this.ended = true;
    if (this.waiter === null) return;
    this.waiter.resolve(null);
    this.waiter = null;
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.fail(transportFailure(error, this.phase, performance.now() - this.sentAtMs));
  }

  private abort(reason: Error): void {
    if (this.ended) return;
    this.fail(reason);
    this.controller?.abort(reason);
  }

  private fail(reason: Error): void {
    if (this.failure !== null) return;
    this.failure = reason;
    this.opening?.reject(reason);
    this.opening = null;
    this.waiter?.reject(reason);
    this.waiter = null;
  }

  private takeUnread(): Buffer[] {
    const chunks = this.unread;
    this.unread = [];
    this.unreadBytes = 0;
    return chunks;
  }
}

function withFirst(first: Buffer[] | null, rest: ReadBytes): ReadBytes {
  let begin = first;
  return () => {
    const bytes = begin;
    begin = null;
    return bytes === null ? rest() : Promise.resolve(bytes);
  };
}
