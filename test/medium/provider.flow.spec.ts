import { setTimeout as sleep } from 'node:timers/promises';
import { CallerGoneError, type StreamAnswer } from '../../src/provider/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { pollUntil, promised } from '../support/poll.js';
import { UpstreamProcess } from '../support/upstream/client.js';
import { CALLER, collect, ProviderProcess, type EndpointMaker } from './provider.process.js';
import { chunkText as chunk, sseServer } from './provider.server.js';

const MIB = 1024 * 1024;

describe('flow of a stream', () => {
  let database: TestDatabase;
  let upstream: UpstreamProcess;
  let gateway: ProviderProcess;
  let alpha: EndpointMaker;

  beforeAll(async () => {
    [database, upstream] = await Promise.all([createTestDatabase(), UpstreamProcess.start()]);
    gateway = await ProviderProcess.start(database.url);
    alpha = await gateway.provider('alpha', upstream.url);
  });

  afterAll(async () => {
    await gateway.stop();
    await Promise.all([upstream.stop(), database.drop()]);
  });

  const labelled = (label: string) => ({ body: { messages: [{ role: 'user', content: label }] } });
  const nowMs = () => performance.timeOrigin + performance.now();

  it('a reader that waits stops the upstream, and memory stays flat', async () => {
    const answer = await gateway.stream([alpha('huge-m200')], labelled('slow-reader'));
    await answer.events[Symbol.asyncIterator]().next();
    const before = process.memoryUsage();
    // What the sockets of both sides hold is all that can still be written.
    const standing = await pollUntil(async () => {
      const [first] = await upstream.calls('slow-reader');
      await sleep(150);
      const [second] = await upstream.calls('slow-reader');
      return second !== undefined && second.bytesWritten === first?.bytesWritten ? second : null;
    }, 'an upstream that stands still');
    expect(standing.bytesWritten).toBeLessThan(16 * MIB);
    const after = process.memoryUsage();
    expect(after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed).toBeLessThan(16 * MIB);
    await answer.events[Symbol.asyncIterator]().return?.();
  });

  it('a reader that reads on gets all of it', async () => {
    const answer = await gateway.stream([alpha('huge-m24')], labelled('steady-reader'));
    let chars = 0;
    let groups = 0;
    for await (const events of answer.events) {
      for (const { outputChars } of events) chars += outputChars;
      // Slow now and then: the upstream is paused and resumed many times.
      if ((groups += 1) % 20 === 0) await sleep(1);
    }
    expect(chars).toBe(24 * MIB);
    expect(answer.summary().complete).toBe(true);
    // Text beyond any model's reach is not kept.
    expect(answer.delivered().text.length).toBeLessThanOrEqual(8 * MIB);
  });

  it.each<[string, (answer: StreamAnswer, caller: AbortController) => void]>([
    ['the caller leaves', (_answer, caller) => caller.abort()],
    ['the consumer stops', (answer) => void answer.events[Symbol.asyncIterator]().return?.()],
  ])('the upstream is cancelled within 100 ms when %s', async (name, leave) => {
    const caller = new AbortController();
    const label = `cancel ${name}`;
    const answer = await gateway.stream([alpha('stall-a5')], { ...labelled(label), signal: caller.signal });
    await answer.events[Symbol.asyncIterator]().next();
    const leftAtMs = nowMs();
    leave(answer, caller);
    const { hungUpAtMs } = await upstream.callWhen(label, (call) => call.hungUpAtMs !== null);
    expect((hungUpAtMs ?? Infinity) - leftAtMs).toBeLessThan(promised(100));
    await answer.events[Symbol.asyncIterator]().return?.();
    expect(answer.summary()).toMatchObject({ complete: false, attempts: [{ failure: 'caller_gone' }] });
    expect(gateway.providers.endpointHealth(answer.endpoint.id, CALLER)).toBe(true);
  });

  it('a caller who leaves while a chunk is awaited ends the stream at once', async () => {
    const caller = new AbortController();
    const answer = await gateway.stream([alpha('stall-a2')], { ...labelled('waiting'), signal: caller.signal });
    const collected = collect(answer);
    await pollUntil(() => Promise.resolve(answer.delivered().text === '' ? null : true), 'the first content');
    caller.abort();
    expect((await collected).error).toBeInstanceOf(CallerGoneError);
  });

  it('uses the connection of a stream again that was read to its end', async () => {
    const sockets = new Set<unknown>();
    const server = await sseServer((response) => {
      sockets.add(response.socket);
      response.end(`data: ${chunk({ content: 'a' })}\n\ndata: ${chunk({}, 'stop')}\n\ndata: [DONE]\n\n`);
    });
    const local = await gateway.provider('keeping', server.url);
    for (let call = 0; call < 5; call += 1) await collect(await gateway.stream([local('any')]));
    // A connection is free again one turn of the loop after its answer: two take turns.
    expect(sockets.size).toBeLessThanOrEqual(2);
    await server.close();
  });

  it('does not wait for an upstream that never closes after its end marker', async () => {
    const server = await sseServer((response) => {
      response.write(`data: ${chunk({ content: 'a' })}\n\ndata: ${chunk({}, 'stop')}\n\ndata: [DONE]\n\n`);
    });
    const local = await gateway.provider('lingering', server.url);
    const startedMs = performance.now();
    const { text, error } = await collect(await gateway.stream([local('any')]));
    expect([text, error]).toEqual(['a', null]);
    expect(performance.now() - startedMs).toBeLessThan(promised(400));
    await server.close();
  });

  it('comments do not count as tokens: a stream that only pings is silent', async () => {
    const server = await sseServer((response) => {
      response.write(`data: ${chunk({ content: 'a' })}\n\n`);
      const timer = setInterval(() => response.write(': ping\n\n'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const local = await gateway.provider('pinging', server.url);
    const { error } = await collect(await gateway.stream([local('any', { timeouts: { idleMs: 200 } })]));
    expect(error).toMatchObject({ kind: 'deadline', code: 'stream_broken' });
    await server.close();
  });

  it('follows no redirect', async () => {
    const server = await sseServer((response) => {
      response.writeHead(307, { location: `${upstream.url}/chat/completions` }).end();
    });
    const local = await gateway.provider('redirecting', server.url);
    const answer = await gateway.stream([local('ok'), alpha('ok')]);
    expect(answer.attempts[0]).toMatchObject({ failure: 'operator_fault', reason: 'http_307' });
    await collect(answer);
    await server.close();
  });
});
