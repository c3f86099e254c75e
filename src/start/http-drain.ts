import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { InFlight } from '../platform/in-flight/index.js';

const IDLE_SWEEP_MS = 50;

/**
 * Ends an HTTP server without cutting anybody off: no new connection, no new request on an old one, running answers to
 * their end. Fastify's own close waits for idle keep-alive connections, which may be for minutes.
 */
export class HttpDrain {
  private readonly running = new InFlight<ServerResponse>();
  private draining = false;
  private whenEmpty: () => void = () => undefined;

  constructor(private readonly server: Server) {
    server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => this.track(response));
  }

  /** Answers being given at this moment. */
  get runningCount(): number {
    return this.running.size;
  }

  /**
   * Stops accepting and waits for the running answers.
   * @returns how many were cut off because `timeoutMs` had passed.
   */
  async drain(timeoutMs: number): Promise<number> {
    this.draining = true;
    this.server.close();
    for (const response of this.running) askToClose(response);
    const sweep = setInterval(() => this.server.closeIdleConnections(), IDLE_SWEEP_MS);
    await this.untilEmpty(timeoutMs);
    clearInterval(sweep);
    const cut = this.running.size;
    this.server.closeAllConnections();
    return cut;
  }

  private async untilEmpty(timeoutMs: number): Promise<void> {
    if (this.running.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.whenEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private track(response: ServerResponse): void {
    const place = this.running.enter(response);
    if (this.draining) askToClose(response);
    response.once('close', () => {
      this.running.leave(place);
      if (this.draining && this.running.size === 0) this.whenEmpty();
    });
  }
}

/** Where the headers are still to come, they announce the end of the connection. */
function askToClose(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}
