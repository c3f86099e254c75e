import Fastify from 'fastify';
import { Pool } from 'undici';

/**
 * The yardstick: the plainest proxy that reads what it forwards, as the documentation of Fastify and undici has it. One
 * upstream, JSON parsed and written again both ways, streams passed through; no keys, no wallet, no logs.
 */
const upstreamUrl = new URL(process.argv[2] ?? '');
const pool = new Pool(upstreamUrl.origin, { connections: 256, pipelining: 1 });
const app = Fastify({ bodyLimit: 8 * 1024 * 1024 });

app.post('/v1/chat/completions', async (request, reply) => {
  const answer = await pool.request({
    path: request.url,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request.body),
  });
  const type = String(answer.headers['content-type']);
  reply.code(answer.statusCode).header('content-type', type);
  return reply.send(type.startsWith('text/event-stream') ? answer.body : await answer.body.json());
});

const origin = await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`proxy ready ${origin}/v1\n`);
process.once('SIGTERM', () => process.exit(0));
