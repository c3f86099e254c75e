import { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  completionJson,
  errorJson,
  isCut,
  piecesOf,
  readChatBody,
  TOOL_CALLS,
  usageOf,
  type ChatBody,
} from './answer.js';
import { readBehaviour, type Behaviour } from './behaviour.js';
import { CallLog } from './calls.js';
import { Sender } from './send.js';
import { sendStream } from './stream.js';

export interface UpstreamOptions {
  host?: string;
  /** 0 takes a free one. */
  port?: number;
  /** `false` keeps no calls: for load runs. */
  record?: boolean;
}

export interface RunningUpstream {
  /** Base URL for a provider, ends in `/v1`. */
  url: string;
  close(): Promise<void>;
}

const MIB = 1024 * 1024;

/** Starts the fault-injecting upstream in this process; `main.ts` makes it one of its own. */
export async function startUpstream(options: UpstreamOptions = {}): Promise<RunningUpstream> {
  const upstream = new Upstream(options.record ?? true);
  const server = createServer((request, response) => void upstream.handle(request, response));
  // A reused connection that closes just as a request is sent would look like a fault nobody asked for.
  server.keepAliveTimeout = 600_000;
  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port: options.port ?? 0, backlog: 2048 }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://${host}:${port.toString()}/v1`, close: () => closeServer(server) };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

class Upstream {
  private readonly calls: CallLog;
  /** Behaviours set by hand for a model name. */
  private readonly overrides = new Map<string, string>();
  private readonly flakyFailures = new Map<string, number>();
  private readonly behaviourSet = new EventEmitter().setMaxListeners(0);

  constructor(record: boolean) {
    this.calls = new CallLog(record);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const raw = await readAll(request);
    if (raw === null) return;
    const url = new URL(request.url ?? '/', 'http://upstream');
    if (url.pathname.startsWith('/_')) return this.control(request.method ?? 'GET', url, raw, response);
    const body = readChatBody(raw);
    const call = this.calls.begin(url.pathname, body?.model ?? '', request.headers, raw);
    const sender = new Sender(response, call, this.behaviourSet);
    if (request.method === 'GET' && url.pathname.endsWith('/models')) {
      return sender.json(200, JSON.stringify({ object: 'list', data: [{ id: 'ok', object: 'model' }] }));
    }
    if (request.method !== 'POST' || !url.pathname.endsWith('/chat/completions')) {
      return sender.json(404, errorJson('Unknown request URL', 'invalid_request_error', 'unknown_url'));
    }
    if (body === null) return sender.json(400, errorJson('Body is not JSON', 'invalid_request_error', null));
    const behaviour = readBehaviour(this.overrides.get(body.model) ?? body.model);
    if (behaviour === null) {
      const message = `The model \`${body.model}\` does not exist`;
      return sender.json(404, errorJson(message, 'invalid_request_error', 'model_not_found'));
    }
    await this.answer(behaviour, body, sender, request);
  }

  private async answer(behaviour: Behaviour, body: ChatBody, sender: Sender, request: IncomingMessage): Promise<void> {
    if (await refuse(behaviour, body, sender, request)) return;
    if (behaviour.name === 'flaky' && this.failsNow(body.model, behaviour.after)) {
      return sender.json(500, errorJson('The server had an error', 'server_error', null));
    }
    if (behaviour.name === 'slow-headers' || behaviour.waitAt === 'headers') await sender.wait(behaviour.delayMs);
    if (sender.closed) return;
    if (body.stream && behaviour.name !== 'json-for-stream') return sendStream(behaviour, body, sender);
    await sendCompletion(behaviour, body, sender);
  }

  /** The first `times` calls of a flaky model fail. */
  private failsNow(model: string, times: number): boolean {
    const failed = this.flakyFailures.get(model) ?? 0;
    this.flakyFailures.set(model, failed + 1);
    return failed < times;
  }

  private control(method: string, url: URL, raw: string, response: ServerResponse): void {
    let answer: unknown = { ok: true };
    if (url.pathname === '/_calls') {
      if (method === 'DELETE') this.calls.clear();
      else
        answer = {
          calls: this.calls.find(url.searchParams.get('contains') ?? '', url.searchParams.get('model') ?? ''),
        };
    } else if (url.pathname.startsWith('/_models/')) {
      const model = decodeURIComponent(url.pathname.slice('/_models/'.length));
      this.flakyFailures.delete(model);
      if (method === 'DELETE') this.overrides.delete(model);
      else this.overrides.set(model, (JSON.parse(raw) as { behaviour: string }).behaviour);
      this.behaviourSet.emit(model);
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer));
  }
}

/** Behaviours that never come to an answer. @returns whether the call is over. */
async function refuse(
  behaviour: Behaviour,
  body: ChatBody,
  sender: Sender,
  request: IncomingMessage,
): Promise<boolean> {
  const { name } = behaviour;
  if (name === 'stall-headers') await sender.forever();
  else if (name === 'reset') sender.reset();
  else if (name === 'close') sender.close();
  else if (name === 'html') sender.json(200, '<html><body>Bad gateway</body></html>', { 'content-type': 'text/html' });
  else if (name === 'strict-options' && body.raw.includes('"stream_options"')) {
    sender.json(400, errorJson('Unrecognized request argument: stream_options', 'invalid_request_error', null));
  } else if (name.startsWith('status-')) sendStatus(Number(name.slice(-3)), behaviour.retryAfterS, sender);
  else if (name.startsWith('leak-')) sendLeak(Number(name.slice(-3)), sender, request);
  else return false;
  return true;
}

function sendStatus(status: number, retryAfterS: number | null, sender: Sender): void {
  const type = status >= 500 ? 'server_error' : status === 429 ? 'rate_limit_error' : 'invalid_request_error';
  const headers: Record<string, string> = retryAfterS === null ? {} : { 'retry-after': retryAfterS.toString() };
  sender.json(
    status,
    errorJson(`Upstream answers ${status.toString()}`, type, `upstream_${status.toString()}`),
    headers,
  );
}

/** An error whose message names what must not reach a caller: the key, an address, a URL. */
function sendLeak(status: number, sender: Sender, request: IncomingMessage): void {
  const key = request.headers.authorization ?? 'no key';
  const host = request.headers.host ?? '';
  const message = `Bad value for 'seed' with ${key} at http://${host}/v1/chat/completions (10.1.2.3:8080, api.secret.internal)`;
  sender.json(status, errorJson(message, 'invalid_request_error', 'invalid_value'));
}

/** Bodies of `fast` answers by model. */
const prepared = new Map<string, string>();

async function sendCompletion(behaviour: Behaviour, body: ChatBody, sender: Sender): Promise<void> {
  const ready = prepared.get(body.model);
  if (ready !== undefined) return sender.json(200, ready);
  const pieces = piecesOf(behaviour, body);
  const usage = behaviour.name === 'usage-absent' ? null : usageOf(behaviour, body, pieces.length);
  const text = completionJson(body, messageOf(behaviour, pieces), usage, isCut(behaviour, body) ? 'length' : 'stop');
  if (behaviour.name === 'fast') prepared.set(body.model, text);
  if (behaviour.name === 'slow-tokens') await sender.wait(behaviour.delayMs * pieces.length);
  if (behaviour.name === 'held') await sender.held();
  if (behaviour.name === 'cut' || behaviour.name === 'stall' || behaviour.name === 'eof') {
    sender.openStream('application/json');
    sender.write(text.slice(0, text.length / 2));
    return behaviour.name === 'stall' ? sender.forever() : sender.cut();
  }
  sender.json(200, behaviour.name.startsWith('broken') ? text.slice(0, -20) : text);
}

function messageOf(behaviour: Behaviour, pieces: readonly string[]): Record<string, unknown> {
  if (behaviour.name.startsWith('tools')) {
    const calls = TOOL_CALLS.slice(0, behaviour.name === 'tools' ? 1 : 2);
    const toolCalls = calls.map(({ id, name, arguments: text }) => ({
      id,
      type: 'function',
      function: { name, arguments: text },
    }));
    return { content: null, tool_calls: toolCalls };
  }
  if (behaviour.name === 'huge') return { content: 'x'.repeat(behaviour.mebibytes * MIB) };
  const reasoning = behaviour.name === 'reasoning' ? { reasoning_content: 'Let me think.' } : {};
  return { content: pieces.join(''), ...reasoning, refusal: null };
}

/** The body as text; `null` when the client went away while sending it. */
function readAll(request: IncomingMessage): Promise<string | null> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => resolve((parts.length === 1 ? parts[0] : Buffer.concat(parts))?.toString('utf8') ?? ''));
    request.on('error', () => resolve(null));
  });
}
