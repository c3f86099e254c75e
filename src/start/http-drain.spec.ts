import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { promised } from '../../test/support/poll.js';
import { HttpDrain } from './http-drain.js';

let server: Server;
let drain: HttpDrain;
let agent: Agent;
let answering: ((response: ServerResponse) => void) | null;

beforeEach(async () => {
  answering = null;
  server = createServer((_request, response) => {
    if (answering === null) response.end('at once');
    else answering(response);
  });
  drain = new HttpDrain(server);
  agent = new Agent({ keepAlive: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => {
  agent.destroy();
  server.closeAllConnections();
  server.close();
});

function portOf(): number {
  return (server.address() as AddressInfo).port;
}

async function ask(): Promise<IncomingMessage> {
  const request = get({ port: portOf(), host: '127.0.0.1', agent });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  // A cut answer is an error to a reader that is not waiting for it.
  response.on('error', () => undefined);
  return response;
}

/** The next answer is begun and left open. */
async function startStream(): Promise<{ response: IncomingMessage; finish: () => void }> {
  const begun = new Promise<ServerResponse>((resolve) => {
    answering = (response) => {
      response.write('begun,');
      resolve(response);
    };
  });
  const response = await ask();
  const stream = await begun;
  return { response, finish: () => stream.end('ended') };
}

describe('HttpDrain', () => {
  it('lets a running stream end and closes its connection then', async () => {
    const { response, finish } = await startStream();
    const drained = drain.drain(10_000);
    expect(drain.runningCount).toBe(1);
    finish();
    expect(await text(response)).toBe('begun,ended');
    expect(await drained).toBe(0);
  });

  it('takes no new connection from the first moment on', async () => {
    const { finish, response } = await startStream();
    const port = portOf();
    const drained = drain.drain(10_000);
    const socket = connect(port, '127.0.0.1');
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
    finish();
    await text(response);
    await drained;
  });

  it('does not wait for a kept-alive connection without a request, nor for one that never sent any', async () => {
    await text(await ask());
    const silent = connect(portOf(), '127.0.0.1');
    await once(silent, 'connect');
    const startedMs = performance.now();
    expect(await drain.drain(10_000)).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(promised(2_000));
    await once(silent.resume(), 'close');
  });

  it('announces the end of the connection in an answer that has not begun', async () => {
    const arrived = new Promise<ServerResponse>((resolve) => (answering = resolve));
    const answer = ask();
    const response = await arrived;
    const drained = drain.drain(10_000);
    response.end('late');
    expect((await answer).headers.connection).toBe('close');
    await text(await answer);
    await drained;
  });

  it('cuts what is still running after the time-out, and says how much that was', async () => {
    const { response } = await startStream();
    expect(await drain.drain(50)).toBe(1);
    await expect(text(response)).rejects.toThrow('aborted');
  });
});
