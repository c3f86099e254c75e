import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { RELEASE } from './keeper-line.js';

const FIRST_CALLER_MS = 15_000;
const GRACE_MS = 2_000;
const CALLERS_MAX = 256;

/** Leaves a socket to its owner alone. */
const SOCKET_UMASK = 0o177;

/** Counts the gateways that need Postgres: one open connection each, on a socket that other users cannot open. */
export class KeeperServer {
  /** Settles when nobody needs Postgres any more. */
  readonly deserted: Promise<void>;
  /** Asked to end: Postgres is not started again, and nobody is waited for once the last caller has gone. */
  leaving = false;
  private readonly postgresPort: number;
  private readonly server: Server;
  private readonly callers = new Set<Socket>();
  private readonly sockets = new Set<Socket>();
  private desert: () => void = () => undefined;
  private timer: NodeJS.Timeout | undefined;
  private isDeserted = false;

  constructor(postgresPort: number) {
    this.postgresPort = postgresPort;
    this.deserted = new Promise((resolve) => (this.desert = resolve));
    this.server = createServer((socket) => this.greet(socket));
  }

  /** Makes the socket and listens. The first caller has a while to come. @param path where nothing may be yet. */
  async listen(path: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      // The socket is made within the call, so it never has another mode.
      const umask = process.umask(SOCKET_UMASK);
      this.server.listen(path, resolve);
      process.umask(umask);
    });
    this.timer = setTimeout(() => this.giveUp(), FIRST_CALLER_MS);
  }

  /** From now on the last caller's leaving is the end, at once. */
  leaveWhenAlone(): void {
    this.leaving = true;
    if (this.callers.size === 0) this.giveUp();
  }

  /** Hangs up on everybody; who released waits for this as the sign that Postgres has stopped. */
  close(): void {
    clearTimeout(this.timer);
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private greet(socket: Socket): void {
    if (this.isDeserted || this.sockets.size >= CALLERS_MAX) {
      socket.destroy();
      return;
    }
    clearTimeout(this.timer);
    this.sockets.add(socket);
    this.callers.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.leave(socket, GRACE_MS));
    createInterface(socket).on('line', (line) => {
      if (line === RELEASE && this.callers.has(socket)) this.release(socket);
    });
    socket.write(`${this.postgresPort}\n`);
  }

  /** The last one to release stays connected until Postgres has stopped. */
  private release(socket: Socket): void {
    this.callers.delete(socket);
    if (this.callers.size === 0) this.giveUp();
    else socket.end();
  }

  private leave(socket: Socket, graceMs: number): void {
    this.sockets.delete(socket);
    if (!this.callers.delete(socket) || this.callers.size > 0) return;
    if (this.leaving) return this.giveUp();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.giveUp(), graceMs);
  }

  private giveUp(): void {
    this.isDeserted = true;
    this.desert();
  }
}
