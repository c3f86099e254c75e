import { timingSafeEqual } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { RELEASE } from './keeper-line.js';

const FIRST_CALLER_MS = 15_000;
const GRACE_MS = 2_000;
const CALLERS_MAX = 256;

/** Counts the gateways that need Postgres: one open connection each. */
export class KeeperServer {
  readonly token: string;
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

  constructor(token: string, postgresPort: number) {
    this.token = token;
    this.postgresPort = postgresPort;
    this.deserted = new Promise((resolve) => (this.desert = resolve));
    this.server = createServer((socket) => this.greet(socket));
  }

  /** @returns the port on 127.0.0.1. The first caller has a while to come. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(0, '127.0.0.1', resolve);
    });
    this.timer = setTimeout(() => this.giveUp(), FIRST_CALLER_MS);
    const address = this.server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the keeper has no port');
    return address.port;
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
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.leave(socket, GRACE_MS));
    createInterface(socket).on('line', (line) => this.hear(socket, line));
  }

  private hear(socket: Socket, line: string): void {
    if (this.callers.has(socket)) {
      if (line === RELEASE) this.release(socket);
    } else if (!this.isDeserted && sameText(line, this.token)) {
      clearTimeout(this.timer);
      this.callers.add(socket);
      socket.write(`${this.postgresPort}\n`);
    } else {
      socket.destroy();
    }
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

function sameText(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}
