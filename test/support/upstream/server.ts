import { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { ChatBody } from './answer.js';
import { readBehaviour, type Behaviour } from './behaviour.js';
import { CallLog } from './calls.js';
import type { CallFacts, Dialect, Refusal } from './dialect.js';
import { anthropicDialect } from './dialects/anthropic.js';
import { geminiDialect } from './dialects/gemini.js';
import { openAiDialect } from './dialects/openai.js';
import { listen } from './port.js';
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

/** The first that knows a path speaks. */
const DIALECTS: readonly Dialect[] = [geminiDialect, anthropicDialect, openAiDialect];

/** Starts the fault-injecting upstream in this process; `main.ts` makes it one of its own. */
export async function startUpstream(options: UpstreamOptions = {}): Promise<RunningUpstream> {
  const upstream = new Upstream(options.record ?? true);
  const server = createServer((request, response) => void upstream.handle(request, response));
  // A reused connection that closes just as a request is sent would look like a fault nobody asked for.
  server.keepAliveTimeout = 600_000;
  const host = options.host ?? '127.0.0.1';
  const { port, close } = await listen(server, host, options.port ?? 0);
  return { url: `http://${host}:${port.toString()}/v1`, close };
}

class Upstream {
  private readonly calls: CallLog;
  /** Behaviours set by hand for a model name, one a call; the last one stays. */
  private readonly overrides = new Map<string, string[]>();
  private readonly flakyFailures = new Map<string, number>();
  private readonly behaviourSet = new EventEmitter().setMaxListeners(0);

  constructor(record: boolean) {
    this.calls = new CallLog(record);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const raw = await readAll(request);
    if (raw === null) return;
    const method = request.method ?? 'GET';
    const url = new URL(request.url ?? '/', 'http://upstream');
    if (url.pathname.startsWith('/_')) return this.control(method, url, raw, response);
    const facts: CallFacts = { path: url.pathname, query: url.searchParams, headers: request.headers };
    const dialect = DIALECTS.find((known) => known.route(method, facts) !== null) ?? openAiDialect;
    const body = dialect.read(raw, facts);
    const call = this.calls.begin(url, body?.model ?? '', request.headers, raw);
    const sender = new Sender(response, call, this.behaviourSet);
    const refused = dialect.check(body?.json ?? null, facts);
    if (refused !== null) return sendRefusal(refused, sender);
    const route = dialect.route(method, facts);
    if (route === 'models') return sender.json(200, dialect.models());
    if (route === null) return sendRefusal(dialect.error(404, 'Unknown request URL', null), sender);
    if (body === null) return sendRefusal(dialect.error(400, 'Body is not JSON', null), sender);
    const behaviour = readBehaviour(this.nextOverride(body.model) ?? body.model);
    if (behaviour === null) {
      return sendRefusal(dialect.error(404, `The model \`${body.model}\` does not exist`, null), sender);
    }
    await this.answer(dialect, behaviour, body, sender, request);
  }

  private async answer(
    dialect: Dialect,
    behaviour: Behaviour,
    body: ChatBody,
    sender: Sender,
    request: IncomingMessage,
  ): Promise<void> {
    const refused = refusalOf(dialect, behaviour, body, request);
    if (refused !== null) return sendRefusal(refused, sender);
    if (await breakOff(behaviour, sender)) return;
    if (behaviour.name === 'poison' && body.raw.includes('venom')) {
      return sendRefusal(dialect.error(500, 'The server had an error', null), sender);
    }
    if (behaviour.name === 'flaky' && this.failsNow(body.model, behaviour.after)) {
      return sendRefusal(dialect.error(500, 'The server had an error', null), sender);
    }
    if (behaviour.name === 'slow-headers' || behaviour.waitAt === 'headers') await sender.wait(behaviour.delayMs);
    if (sender.closed) return;
    if (behaviour.name === 'error-in-answer') return sender.json(200, dialect.error(503, 'Overloaded', null).body);
    if (body.stream && behaviour.name !== 'json-for-stream') return sendStream(dialect, behaviour, body, sender);
    await sendWhole(dialect, behaviour, body, sender);
  }

  /** The first `times` calls of a flaky model fail. */
  private failsNow(model: string, times: number): boolean {
    const failed = this.flakyFailures.get(model) ?? 0;
    this.flakyFailures.set(model, failed + 1);
    return failed < times;
  }

  private nextOverride(model: string): string | undefined {
    const behaviours = this.overrides.get(model);
    return behaviours !== undefined && behaviours.length > 1 ? behaviours.shift() : behaviours?.[0];
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
      else this.overrides.set(model, (JSON.parse(raw) as { behaviour: string }).behaviour.split(','));
      this.behaviourSet.emit(model);
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer));
  }
}

/** What is refused with an error of the vendor. */
function refusalOf(dialect: Dialect, behaviour: Behaviour, body: ChatBody, request: IncomingMessage): Refusal | null {
  const { name, retryAfterS } = behaviour;
  const status = Number(name.slice(-3));
  if (name.startsWith('status-')) return dialect.error(status, `Upstream answers ${String(status)}`, retryAfterS);
  if (name.startsWith('quote-')) return dialect.error(status, `Cannot take ${body.raw.slice(0, 400)}`, null);
  if (name.startsWith('leak-')) return dialect.error(status, leakOf(request), null, 'invalid_value');
  return dialect.refuse(behaviour, body);
}

/** Behaviours that never come to an answer. @returns whether the call is over. */
async function breakOff({ name, delayMs }: Behaviour, sender: Sender): Promise<boolean> {
  if (name === 'reset' || name === 'close') await sender.wait(delayMs);
  if (name === 'stall-headers') await sender.forever();
  else if (name === 'reset') sender.reset();
  else if (name === 'close') sender.close();
  else if (name === 'html') sender.json(200, '<html><body>Bad gateway</body></html>', { 'content-type': 'text/html' });
  else return false;
  return true;
}

/** A message that names what must not reach a caller: the key, an address, a URL. */
function leakOf({ headers }: IncomingMessage): string {
  const key =
    headers.authorization ?? headers['x-api-key'] ?? headers['x-goog-api-key'] ?? headers['api-key'] ?? 'no key';
  return `Bad value for 'seed' with ${String(key)} at http://${headers.host ?? ''}/v1/chat (10.1.2.3:8080, api.secret.internal)`;
}

function sendRefusal({ status, body, headers }: Refusal, sender: Sender): void {
  sender.json(status, body, headers);
}

/** Bodies of `fast` answers by model. */
const prepared = new Map<string, string>();

async function sendWhole(dialect: Dialect, behaviour: Behaviour, body: ChatBody, sender: Sender): Promise<void> {
  const key = `${dialect.lineEnd}${body.model}`;
  const ready = prepared.get(key);
  if (ready !== undefined) return sender.json(200, ready);
  const text = dialect.whole(behaviour, body);
  if (behaviour.name === 'fast') prepared.set(key, text);
  if (behaviour.name === 'slow-tokens') await sender.wait(behaviour.delayMs * behaviour.pieces);
  if (behaviour.name === 'held') await sender.held();
  if (behaviour.name === 'cut' || behaviour.name === 'stall' || behaviour.name === 'eof') {
    sender.openStream('application/json');
    sender.write(text.slice(0, text.length / 2));
    return behaviour.name === 'stall' ? sender.forever() : sender.cut();
  }
  sender.json(200, behaviour.name.startsWith('broken') ? text.slice(0, -20) : text);
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
