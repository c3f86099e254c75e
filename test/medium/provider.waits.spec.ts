import type { ServerResponse } from 'node:http';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { promised } from '../support/poll.js';
import { UpstreamProcess } from '../support/upstream/client.js';
import { collect, ProviderProcess, reasonsOf, type EndpointMaker } from './provider.process.js';
import { chunkText, sseServer } from './provider.server.js';

/** One deadline for the first content of a stream, and a short wait for its first sign of life. */
describe('waits of a stream', () => {
  let database: TestDatabase;
  let upstream: UpstreamProcess;
  let gateway: ProviderProcess;
  let server: Awaited<ReturnType<typeof sseServer>>;
  let answer: (response: ServerResponse) => void;
  let alpha: EndpointMaker;
  let beta: EndpointMaker;
  let odd: EndpointMaker;

  beforeAll(async () => {
    [database, upstream] = await Promise.all([createTestDatabase(), UpstreamProcess.start()]);
    server = await sseServer((response) => answer(response));
    gateway = await ProviderProcess.start(database.url);
    alpha = await gateway.provider('alpha', upstream.url);
    beta = await gateway.provider('beta', upstream.url);
    odd = await gateway.provider('odd', server.url);
  });

  afterAll(async () => {
    await gateway.stop();
    await Promise.all([upstream.stop(), server.close(), database.drop()]);
  });

  const tried = async (endpoint: ReturnType<EndpointMaker>): Promise<{ reasons: string[]; ms: number }> => {
    const startedMs = performance.now();
    const served = await gateway.stream([endpoint, beta('ok')]);
    const ms = performance.now() - startedMs;
    const reasons = reasonsOf(served.attempts);
    await served.events[Symbol.asyncIterator]().return?.();
    return { reasons, ms };
  };

  it('headers, and then no event', async () => {
    answer = (response) => response.flushHeaders();
    const { reasons, ms } = await tried(odd('silent', { timeouts: { firstEventMs: 150 } }));
    expect(reasons).toEqual(['odd=timeout_first_event']);
    expect(ms).toBeLessThan(promised(1_500));
  });

  it.each([
    ['a comment', ': thinking\n\n'],
    ['a role', `data: ${chunkText({ role: 'assistant', content: '' })}\n\n`],
    ['a part of an event', 'data: {"id"'],
  ])('%s is a sign of life, and no content', async (_what, text) => {
    answer = (response) => response.write(text);
    const { reasons, ms } = await tried(odd('thinking', { timeouts: { firstEventMs: 150, firstTokenMs: 500 } }));
    expect(reasons).toEqual(['odd=timeout_first_token']);
    expect(ms).toBeGreaterThan(480);
  });

  it('the time until the headers counts for the first content', async () => {
    const slow = alpha('slow-first-w0-d400', { timeouts: { firstTokenMs: 600 } });
    const { reasons, ms } = await tried(slow);
    expect(reasons).toEqual(['alpha=timeout_first_token']);
    expect(ms).toBeLessThan(promised(1_500));
  });

  it('no headers until the first content is due', async () => {
    const { reasons } = await tried(alpha('stall-headers', { timeouts: { firstTokenMs: 200 } }));
    expect(reasons).toEqual(['alpha=timeout_first_token']);
  });

  it('once the content has begun only silence counts', async () => {
    const endpoint = alpha('slow-tokens-n12-d60', { timeouts: { firstEventMs: 400, firstTokenMs: 400 } });
    const served = await gateway.stream([endpoint]);
    await collect(served);
    expect(served.summary()).toMatchObject({ complete: true, attempts: [{ failure: null }] });
  });
});
