import type { AttemptWatch } from '../../attempt/attempt-watch.js';
import { UpstreamFailure } from '../../domain/failure.js';
import { ANSWER_BYTES_MAX, HttpExchange } from '../../transport/http-exchange.js';
import { throwUnlessSuccess, type ReadRefusal } from '../../transport/refusal.js';
import type { UpstreamPools } from '../../transport/upstream-pools.js';
import { EventFilter, mendBody, type Mender } from './wire-filter.js';

export interface FetchTarget {
  pools: UpstreamPools;
  baseUrl: string;
  watch: AttemptWatch;
  /** Whether the answer is a stream of events, to be read as it comes. */
  stream: boolean;
  readRefusal: ReadRefusal;
  mender: Mender;
  /** An event that is not JSON may be left out. */
  mayLose: boolean;
}

/** Headers that an SDK may set; all others (its own name, tracing) stay here. */
const HEADER_PASSED = /^(content-type|x-api-key|x-goog-api-key|authorization|anthropic-[a-z-]+)$/;

/**
 * `fetch` for a vendor's SDK, for one call: the same connections, address checks, time-outs, back-pressure and failure table
 * as every other call, and no way to any other host. What went wrong is kept, for an SDK wraps errors beyond recognition.
 */
export class ExchangeFetch {
  /** Why the call failed, in the gateway's own terms. */
  failure: Error | null = null;
  private exchange: HttpExchange | null = null;
  private filter: EventFilter | null = null;

  constructor(private readonly target: FetchTarget) {}

  /** Whether a request has been answered with a success. */
  get hasAnswer(): boolean {
    return this.exchange !== null;
  }

  /** Why the last event that was left out could not be read; `null` when all could. */
  get lost(): Error | null {
    return this.filter?.lost ?? null;
  }

  get lostEvents(): number {
    return this.filter?.lostCount ?? 0;
  }

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    try {
      return await this.send(new URL(input instanceof Request ? input.url : input), init);
    } catch (error) {
      throw this.keep(error);
    }
  };

  /** Ends it at once: the upstream sees its connection close. */
  cancel(): void {
    this.exchange?.cancel();
  }

  /** Nothing more is wanted; the connection can serve the next call. */
  finish(): void {
    this.exchange?.finish();
  }

  private async send(url: URL, init: RequestInit | undefined): Promise<Response> {
    const { pools, baseUrl, watch, stream, readRefusal, mender } = this.target;
    if (url.origin !== new URL(baseUrl).origin) throw new UpstreamFailure('operator_fault', 'foreign_url');
    const { pool, search } = pools.target(baseUrl, watch.timeouts.connectMs);
    const path = url.pathname + (url.search === '' ? search : url.search + search.replace('?', '&'));
    const body = typeof init?.body === 'string' ? init.body : null;
    const headers = headersOf(new Headers(init?.headers), stream);
    const exchange = await HttpExchange.open(pool, { method: 'POST', path, headers, body }, watch);
    await throwUnlessSuccess(exchange, readRefusal);
    this.exchange = exchange;
    const options = { status: exchange.statusCode, headers: { 'content-type': exchange.header('content-type') } };
    if (!stream) return new Response(await mendBody(await exchange.readAll(ANSWER_BYTES_MAX), mender), options);
    if (exchange.header('content-type').toLowerCase().includes('html')) {
      exchange.cancel();
      throw new UpstreamFailure('endpoint_fault', 'not_a_stream', { status: exchange.statusCode });
    }
    watch.enter('first_event');
    return new Response(this.eventsOf(exchange), options);
  }

  /**
   * Pulled, never pushed: unread events stay with the upstream. It never breaks: an error would overtake the events that are
   * still under way inside the SDK. The reader asks for `failure` at its end.
   */
  private eventsOf(exchange: HttpExchange): ReadableStream<Uint8Array> {
    const filter = new EventFilter(this.target.mender, this.target.mayLose);
    this.filter = filter;
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const { text, isEnd } = await this.nextEvents(exchange, filter);
          if (text !== '') controller.enqueue(Buffer.from(text));
          if (isEnd) controller.close();
        },
        cancel: () => exchange.cancel(),
      },
      { highWaterMark: 0 },
    );
  }

  /** Whole events, as they arrived together. */
  private async nextEvents(exchange: HttpExchange, filter: EventFilter): Promise<{ text: string; isEnd: boolean }> {
    try {
      while (filter.broken === null) {
        const chunks = await exchange.read();
        if (chunks === null) break;
        const text = await this.passOn(exchange, filter, Buffer.concat(chunks));
        if (text !== '') return { text, isEnd: false };
      }
    } catch (error) {
      this.keep(error);
    }
    const text = filter.end();
    if (filter.broken !== null) this.keep(filter.broken);
    if (this.failure !== null) exchange.cancel();
    return { text, isEnd: true };
  }

  private async passOn(exchange: HttpExchange, filter: EventFilter, bytes: Buffer): Promise<string> {
    if (!filter.isWhole(bytes)) return filter.push(bytes);
    return filter.pushWhole(Buffer.concat([bytes, await exchange.readAll(ANSWER_BYTES_MAX)]));
  }

  private keep(error: unknown): unknown {
    if (error instanceof Error) this.failure ??= error;
    return error;
  }
}

function headersOf(given: Headers, stream: boolean): string[] {
  const accept = stream ? 'text/event-stream' : 'application/json';
  const headers = ['accept', accept, 'accept-encoding', 'identity', 'user-agent', 'joytoken-gateway'];
  // A provider without a key sends none: the SDK insists on one, an empty one.
  for (const [name, value] of given) {
    if (HEADER_PASSED.test(name) && value !== '') headers.push(name, value);
  }
  return headers;
}
