import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What the line to a dependency does: carry, be refused, or swallow everything without a word. */
export type LineState = 'open' | 'refused' | 'silent';

/** A line between the gateway and a server of the test that can be broken like a network. */
export class TcpProxy {
  private readonly sockets = new Set<Socket>();
  private state: LineState = 'open';
  private server: Server;

  private constructor(
    private readonly target: URL,
    private readonly port: number,
    server: Server,
  ) {
    this.server = server;
    this.serve();
  }

  static async to(targetUrl: string): Promise<TcpProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(new URL(targetUrl), (server.address() as AddressInfo).port, server);
  }

  /** The URL of the target, by way of the proxy. */
  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = this.port.toString();
    return url.href;
  }

  async become(state: LineState): Promise<void> {
    if (this.state === 'refused' && state !== 'refused') {
      this.server = createServer().listen(this.port, '127.0.0.1');
      await once(this.server, 'listening');
      this.serve();
    }
    this.state = state;
    if (state === 'refused') this.server.close();
    // What was swallowed is gone: those connections have no future.
    if (state !== 'silent') this.hangUp();
    else for (const socket of this.sockets) socket.pause();
  }

  close(): void {
    this.server.close();
    this.hangUp();
  }

  private hangUp(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private serve(): void {
    this.server.on('connection', (caller) => {
      this.track(caller);
      if (this.state === 'silent') return;
      const upstream = connect(Number(this.target.port), this.target.hostname);
      this.track(upstream);
      caller.on('data', (data) => upstream.write(data));
      upstream.on('data', (data) => caller.write(data));
      caller.on('close', () => upstream.destroy());
      upstream.on('close', () => caller.destroy());
    });
  }

  private track(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
  }
}
