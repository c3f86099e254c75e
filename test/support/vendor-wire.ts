import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AdapterCall, ChunkSource, ProviderAdapter } from '../../src/provider/adapters/adapter.js';
import { AttemptWatch } from '../../src/provider/attempt/attempt-watch.js';
import type { Endpoint } from '../../src/provider/index.js';
import { usdMicros } from '../../src/platform/money/index.js';

export type Json = Record<string, unknown>;

export interface SeenRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Json;
}

export interface WireServer {
  url: string;
  /** Requests in order of arrival. */
  seen: SeenRequest[];
  /** How many connections were closed by the caller before the answer was complete. */
  hangUps: number;
  /** The answer of the next requests. */
  answer: (response: ServerResponse) => void;
  close(): Promise<void>;
}

/** A server that answers in a vendor's wire format what a test lays down. */
export async function startWireServer(): Promise<WireServer> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const { method = '', url = '', headers } = request;
      wire.seen.push({ method, path: url, headers, body: text === '' ? {} : (JSON.parse(text) as Json) });
      response.on('close', () => {
        if (!response.writableEnded) wire.hangUps += 1;
      });
      wire.answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const wire: WireServer = {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    seen: [],
    hangUps: 0,
    answer: (response) => response.writeHead(404).end(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return wire;
}

export function sendJson(body: unknown, status = 200, headers: Record<string, string> = {}) {
  return (response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

/** Server-sent events; with a `type` they are named by it, as Anthropic does. */
export function sendEvents(events: readonly Json[], end: (response: ServerResponse) => void = (r) => r.end()) {
  return (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    for (const event of events) response.write(eventText(event));
    end(response);
  };
}

export function eventText(event: Json): string {
  const name = typeof event['type'] === 'string' ? `event: ${event['type']}\n` : '';
  return `${name}data: ${JSON.stringify(event)}\n\n`;
}

const TIMEOUTS = {
  connectMs: 5_000,
  headersMs: 5_000,
  firstEventMs: 5_000,
  firstTokenMs: 5_000,
  idleMs: 5_000,
  totalMs: 20_000,
};

const watches: AttemptWatch[] = [];

/** Ends the clocks of all calls that were made. */
export function stopClocks(): void {
  for (const watch of watches.splice(0)) watch.stop();
}

/** A call of an adapter outside of any application; its clock runs until `stopClocks`. */
export function adapterCall(baseUrl: string, body: Json, more: Partial<Endpoint> = {}): AdapterCall {
  const endpoint: Endpoint = {
    id: 'e',
    modelId: 'm',
    modelKey: 'test/model',
    providerId: 'p',
    providerName: 'vendor',
    adapter: 'vendor',
    baseUrl,
    hangupBilling: 'estimate',
    upstreamModel: 'model-1',
    priority: 1,
    weight: 1,
    timeouts: {},
    inputUsdPerMtok: usdMicros(0),
    outputUsdPerMtok: usdMicros(0),
    supportsPrefill: false,
    contextWindow: null,
    allowedFields: [],
    enabled: true,
    ...more,
  };
  const timeouts = { ...TIMEOUTS, ...more.timeouts };
  const watch = new AttemptWatch(timeouts, performance.now() + timeouts.totalMs);
  watches.push(watch);
  return { endpoint, apiKey: 'sk-vendor-canary', body, written: new Map(), watch };
}

/** All chunks of a streamed answer. */
export async function chunksOf(adapter: ProviderAdapter, call: AdapterCall): Promise<Json[]> {
  return readAll(await adapter.stream(call));
}

/** @param seen gets the chunks that came before a failure, too. */
export async function readAll(source: ChunkSource, seen: string[] = []): Promise<Json[]> {
  const chunks: Json[] = [];
  for (;;) {
    const payloads = await source.read();
    if (payloads === null) return chunks;
    for (const { data } of payloads) {
      seen.push(data);
      chunks.push(JSON.parse(data) as Json);
    }
  }
}

/** A message as a client puts it together from the deltas of a stream. */
export function messageOf(chunks: readonly Json[]): Json {
  const message: Json = {};
  const calls: { function: { arguments: string } }[] = [];
  for (const { choices } of chunks as unknown as { choices: { delta: Json }[] }[]) {
    for (const [field, value] of Object.entries(choices[0]?.delta ?? {})) {
      if (field === 'tool_calls') {
        for (const { index, ...piece } of value as { index: number; function: { arguments: string } }[]) {
          const known = calls[index];
          if (known === undefined) calls[index] = piece;
          else known.function.arguments += piece.function.arguments;
        }
      } else if (typeof value === 'string') {
        message[field] = ((message[field] as string | undefined) ?? '') + value;
      } else {
        message[field] = value;
      }
    }
  }
  return calls.length === 0 ? message : { ...message, tool_calls: calls };
}
