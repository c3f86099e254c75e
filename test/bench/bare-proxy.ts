import Fastify, { type FastifyReply } from 'fastify';
import { Pool, type Dispatcher } from 'undici';

/**
 * The yardstick: what Fastify and undici cost by themselves. One upstream, JSON parsed and written again both ways,
 * streams passed through; no keys, no wallet, no logs.
 */
const upstreamUrl = new URL(process.argv[2] ?? '');
const pool = new Pool(upstreamUrl.origin, { connections: 256, pipelining: 1 });
const app = Fastify({ bodyLimit: 8 * 1024 * 1024 });

/** Passes a stream through as it comes and rewrites a JSON answer. */
class Forwarder implements Dispatcher.DispatchHandler {
  private readonly parts: Buffer[] = [];
  private streaming = false;

  constructor(private readonly reply: FastifyReply) {}

  onRequestStart(): void {
    // undici insists on it.
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Record<string, unknown>): void {
    const type = String(headers['content-type']);
    this.streaming = type.startsWith('text/event-stream');
    this.reply.raw.writeHead(status, { 'content-type': type });
    if (this.streaming) this.reply.raw.on('drain', () => controller.resume());
  }

  onResponseData(controller: Dispatcher.DispatchController, part: Buffer): void {
    if (!this.streaming) this.parts.push(part);
    else if (!this.reply.raw.write(part)) controller.pause();
  }

  onResponseEnd(): void {
    if (this.streaming) this.reply.raw.end();
    else this.reply.raw.end(JSON.stringify(JSON.parse(Buffer.concat(this.parts).toString('utf8'))));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.reply.raw.destroy(error);
  }
}

app.post('/v1/chat/completions', (request, reply) => {
  reply.hijack();
  const body = JSON.stringify(request.body);
  const options = { path: request.url, method: 'POST' as const, headers: { 'content-type': 'application/json' }, body };
  pool.dispatch(options, new Forwarder(reply));
});

const origin = await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`proxy ready ${origin}/v1\n`);
process.once('SIGTERM', () => process.exit(0));
